"""Fixtures for tests with the SDKs of other vendors."""

from __future__ import annotations

import pytest
from late_runs import LateRuns


@pytest.fixture
def late_runs(tmp_path, wheels) -> LateRuns:
    """Runs of applications with such an SDK, in a fresh environment."""
    return LateRuns(tmp_path / "venv", wheels)

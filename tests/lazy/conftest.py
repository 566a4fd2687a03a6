"""The modules in ``support/`` are those of these tests only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).with_name("support")))


@pytest.fixture
def without_coverage(monkeypatch):
    """Measure no coverage in the programs: with every new thread it takes modules away that others are importing."""
    for name in [name for name in os.environ if name.startswith("COV")]:
        monkeypatch.delenv(name)

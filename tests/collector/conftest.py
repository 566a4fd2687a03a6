"""Skips these tests where the Collector cannot be built."""

from __future__ import annotations

import pytest
from collector import NotBuiltError, collector_binary


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    try:
        collector_binary()
    except NotBuiltError as why:
        pytest.skip(str(why))

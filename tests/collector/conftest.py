"""Skips these tests where the Collector cannot be built."""

from __future__ import annotations

from pathlib import Path

import pytest
from collector import NotBuiltError, collector_binary


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time the tests, and not the build, which takes minutes on a fresh machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180, func_only=True))


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    try:
        collector_binary()
    except NotBuiltError as why:
        pytest.skip(str(why))

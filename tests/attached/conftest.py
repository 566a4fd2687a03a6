"""The folder that the tests attach."""

from __future__ import annotations

from pathlib import Path

import pytest
from attaching import make_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time the tests, and not what is made for all of them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180, func_only=True))
            item.add_marker("once")


@pytest.fixture(scope="session")
def folder(wheels) -> Path:
    """A folder of ``distrokit build``; made once for all workers."""
    return make_folder(wheels.with_name("otel"), wheels)

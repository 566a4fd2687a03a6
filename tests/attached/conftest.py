"""The folder that the tests attach."""

from __future__ import annotations

from pathlib import Path

import pytest
from attaching import make_folder, make_wheels


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time the tests, and not what is made for all of them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(180, func_only=True))
            item.add_marker("once")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory, worker_id) -> Path:
    """Every member's wheel; made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return make_wheels((base if worker_id == "master" else base.parent) / "wheels-of-all")


@pytest.fixture(scope="session")
def folder(wheels) -> Path:
    """A folder of ``distrokit build``; made once for all workers."""
    return make_folder(wheels.with_name("otel"), wheels)

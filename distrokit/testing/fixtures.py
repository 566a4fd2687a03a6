"""Fixtures for pytest: ``pytest_plugins = ["distrokit.testing.fixtures"]`` in a ``conftest.py``.

They are not registered as an entry point, so other test runs import nothing of distrokit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Protocol

import pytest

from distrokit.plan.plan import Plan
from distrokit.plugins.distros import Distro
from distrokit.testing import Ran, Telemetry, in_memory, instrumented, planned, restored_globals
from distrokit.testing.planning import Plugins

__all__ = ["distrokit_globals", "distrokit_plan", "distrokit_run", "distrokit_telemetry"]


class MakesTelemetry(Protocol):
    """The type of :func:`distrokit_telemetry`."""

    def __call__(
        self,
        plugins: Plugins | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        installed: bool = False,
        distro: Distro | None = None,
    ) -> Telemetry: ...


@pytest.fixture
def distrokit_plan() -> Callable[..., Plan]:
    """Return :func:`distrokit.testing.planned`."""
    return planned


@pytest.fixture
def distrokit_telemetry() -> Iterator[MakesTelemetry]:
    """Return a function like :func:`distrokit.testing.in_memory` that returns the telemetry; stopped after the test."""
    with ExitStack() as stack:

        def make(
            plugins: Plugins | None = None,
            environ: Mapping[str, str] | None = None,
            *,
            installed: bool = False,
            distro: Distro | None = None,
        ) -> Telemetry:
            return stack.enter_context(in_memory(plugins, environ, installed=installed, distro=distro))

        yield make


@pytest.fixture
def distrokit_run() -> Callable[..., Ran]:
    """Return :func:`distrokit.testing.instrumented`."""
    return instrumented


@pytest.fixture
def distrokit_globals() -> Iterator[None]:
    """Run the test inside :func:`distrokit.testing.restored_globals`."""
    with restored_globals():
        yield

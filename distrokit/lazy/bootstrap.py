"""Puts a new process to sleep until it uses telemetry."""

from __future__ import annotations

import sys

from distrokit.attached.program import find_program
from distrokit.lazy.eager_reasons import find_eager_reasons, find_watched
from distrokit.lazy.entry_point_files import find_attached, read_installed
from distrokit.lazy.on_demand import OnDemand, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from distrokit.lazy.entry_point_files import InstalledFiles

#: The distributions without which nothing can start. An attached folder was checked when it was built.
_REQUIRED = ("distrokit", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation", "pluggy")


def sleep_until_used() -> OnDemand | None:
    """Arrange that telemetry starts when this process uses it; return ``None`` if it must start at once."""
    installed = read_installed()
    on_demand = OnDemand(_start, _failed, installed=installed)
    reasons = find_eager_reasons(on_demand.environ, installed, on_demand.directory, find_program())
    if not _can_start(installed) or any(reasons):
        return None
    watched = find_watched(on_demand.environ, installed)
    if any(module in sys.modules for item in watched if item.name != "urllib" for module in item.triggers or ()):
        # A .pth file has imported a library, or the application starts telemetry by itself, in its code.
        return None
    on_demand.sleep(watched)
    return on_demand


def _can_start(installed: InstalledFiles) -> bool:
    return find_attached() is not None or all(name in installed.names for name in _REQUIRED)


def _start(on_demand: OnDemand) -> None:
    attached = find_attached()
    if attached is not None:
        # The application may have added packages of OpenTelemetry to its path.
        attached.decide_again()
        if not attached.is_enabled:
            return
        if attached.changed:
            on_demand.installed = read_installed()
    # Imported by name: at its start a process imports nothing outside of this package.
    from importlib import import_module

    import_module("distrokit.launch.process").Process().wake(on_demand)


def _failed(error: BaseException) -> None:
    text = " ".join(str(error).split())
    # An application with a folder in front of it does not have the command.
    command = "python -m distrokit doctor" if find_attached() else "distrokit doctor"
    outcome = f"the application runs, telemetry may be missing. Run `{command}` to see why."
    say(f"start: {type(error).__name__}: {text}; {outcome}")

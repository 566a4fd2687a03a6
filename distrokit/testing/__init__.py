"""For those who write plugins and distros: plans, pipelines and real processes in tests.

Nothing here is imported by a process that distrokit instruments. Fixtures for pytest are in
:mod:`distrokit.testing.fixtures`, for who asks for them.
"""

from distrokit.testing.checking import check_plugin
from distrokit.testing.items import Event, Link, Log, Metric, Scope, Span
from distrokit.testing.memory import Telemetry, in_memory
from distrokit.testing.planning import planned
from distrokit.testing.restoring import restored_globals
from distrokit.testing.running import Ran, instrumented

__all__ = [
    "Event",
    "Link",
    "Log",
    "Metric",
    "Ran",
    "Scope",
    "Span",
    "Telemetry",
    "check_plugin",
    "in_memory",
    "instrumented",
    "planned",
    "restored_globals",
]

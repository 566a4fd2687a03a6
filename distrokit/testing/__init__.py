"""For authors of plugins and distros: plans, pipelines and real processes in tests.

An instrumented process imports nothing of it. :mod:`distrokit.testing.fixtures` has the same as pytest fixtures.
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

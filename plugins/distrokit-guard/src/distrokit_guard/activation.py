"""Tells whether the guard is on."""

from __future__ import annotations

from distrokit import Settings

_PREFIXES = ("DISTROKIT_GUARD_", "OTEL_PYTHON_DISTROKIT_GUARD_")


def is_on(settings: Settings) -> bool:
    """Return true if any setting of the guard has a value, from any source: then parts with a default run, too."""
    return any(name.startswith(_PREFIXES) for name in settings.names_set())

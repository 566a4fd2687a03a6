"""Keeps launchers away from the children of a start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from distrokit.launch.site.sitecustomize import is_launcher
from distrokit.settings.environ import put


@contextmanager
def without_launchers() -> Iterator[None]:
    """Remove launchers' folders from ``PYTHONPATH`` for a while: a Python started meanwhile starts no telemetry."""
    before = os.environ.get("PYTHONPATH", "")
    entries = before.split(os.pathsep)
    without = os.pathsep.join(entry for entry in entries if not is_launcher(entry))
    put("PYTHONPATH", without or None)
    try:
        yield
    finally:
        # Code that was called meanwhile may have changed it.
        now = os.environ.get("PYTHONPATH", "")
        removed = [entry for entry in entries if is_launcher(entry)]
        put("PYTHONPATH", (before if now == without else os.pathsep.join(filter(None, [*removed, now]))) or None)

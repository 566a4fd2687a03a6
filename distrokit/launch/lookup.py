"""Replaces the list in which OpenTelemetry looks for entry points.

There is no public name for it. This is the one place that replaces ``_original_entry_points_cached`` of
``opentelemetry.util._importlib_metadata``; a release without it does its own look-ups.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

#: distrokit's own function, which OpenTelemetry's loader calls last.
OUR_LAST = "distrokit.launch.distro:after_instrumentations"

_MODULE, _NAME = "opentelemetry.util._importlib_metadata", "_original_entry_points_cached"


def current_lookup() -> Any:
    """Return the function that returns the list; ``None`` if this release has none."""
    try:
        return getattr(import_module(_MODULE), _NAME, None)
    except ImportError:
        return None


def replace_lookup(lookup: Callable[[], EntryPoints]) -> Callable[[], None]:
    """Let OpenTelemetry look for entry points in what this function returns.

    Returns: a function that undoes it.
    """
    before = current_lookup()
    if not callable(before):
        return lambda: None
    module = import_module(_MODULE)
    setattr(module, _NAME, lookup)
    return lambda: setattr(module, _NAME, before)


def hide_from_loader() -> Callable[[], None]:
    """Let OpenTelemetry's loader find distrokit's configurator and its last function only.

    Returns: a function that undoes it.
    """
    points = EntryPoints(
        [
            EntryPoint("distrokit", "distrokit.launch.distro:DistrokitConfigurator", "opentelemetry_configurator"),
            EntryPoint("distrokit", OUR_LAST, "opentelemetry_post_instrument"),
        ]
    )
    return replace_lookup(lambda: points)

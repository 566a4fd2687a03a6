"""Calls the functions in OpenTelemetry's entry-point group for OpAMP agents at the times when upstream calls them.

The first one is called with the resource before anything else is built, and may change the environment. The second one
is called with the same resource after the providers are installed. OpenTelemetry calls one function of each name.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

from opentelemetry.sdk.resources import Resource

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.plugins.distros import DISTRO_GROUP, OUR_CLASS
from distrokit.plugins.entry_points import EntryPoints, distribution_of, title_of

#: The group, and the names in it.
GROUP, BEFORE, AFTER = "_opentelemetry_opamp", "pre_sdk_init_function", "post_sdk_init_function"


def find_function(installed: EntryPoints, name: str, distro: str) -> EntryPoint | None:
    """Return the entry point of this name, the first one by distribution; ``None`` if there is none.

    The agent of another vendor's distro is not started unless that distro is active.

    Args:
        distro: the value of ``OTEL_PYTHON_DISTRO``; empty if not set.
    """
    others = {
        distribution_of(point)
        for point in installed.group(DISTRO_GROUP)
        if point.value != OUR_CLASS and point.name != distro
    }
    found = (point for point in installed.group(GROUP) if point.name == name)
    return next((point for point in found if distribution_of(point) not in others), None)


def call_function(point: EntryPoint | None, resource: Resource) -> list[Problem]:
    """Import and call the function; return an exception as a problem."""
    if point is None:
        return []
    try:
        point.load()(resource)
    except BaseException as error:
        contain(error)
        return [
            Problem(
                code="loader-hook-failed",
                subject=f"OpAMP {point.name} ({title_of(point)})",
                cause=describe_exception(error),
                outcome="telemetry works without it",
                remedy="Repair or uninstall its package.",
                detail=trace_of(error),
            )
        ]
    return []

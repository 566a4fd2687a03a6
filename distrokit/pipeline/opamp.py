"""The functions of OpenTelemetry's entry-point group for OpAMP agents, called when its own configurator calls them.

The first one is called with the resource before anything else is built, and may change the environment; the second one
with the same resource when the providers are installed. Of each name OpenTelemetry calls one.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

from opentelemetry.sdk.resources import Resource

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.plugins.distros import DISTRO_GROUP, OUR_CLASS
from distrokit.plugins.entry_points import EntryPoints, distribution_of, title_of

#: OpenTelemetry's own.
GROUP, BEFORE, AFTER = "_opentelemetry_opamp", "pre_sdk_init_function", "post_sdk_init_function"


def find_function(installed: EntryPoints, name: str, distro: str) -> EntryPoint | None:
    """The entry point of this name; of several the first one by distribution.

    Another vendor's distro may bring its agent along. Where that distro is not active, its agent is not started either.

    Args:
        distro: what the user says in ``OTEL_PYTHON_DISTRO``; empty for nothing.
    """
    others = {
        distribution_of(point)
        for point in installed.group(DISTRO_GROUP)
        if point.value != OUR_CLASS and point.name != distro
    }
    found = (point for point in installed.group(GROUP) if point.name == name)
    return next((point for point in found if distribution_of(point) not in others), None)


def call_function(point: EntryPoint | None, resource: Resource) -> list[Problem]:
    """Import and call it; what it raises is a problem, and telemetry works without it."""
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

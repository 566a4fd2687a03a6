"""Lets OpenTelemetry find the entry points of distrokit's scan.

OpenTelemetry finds its distros, configurators, propagators and so on in a list that it makes once, from
``importlib.metadata``. One package whose entry points cannot be read makes that list fail, and a folder that pip left
behind is listed twice. Its loader calls the functions of the groups ``opentelemetry_pre_instrument`` and
``opentelemetry_post_instrument`` without a guard: the first exception ends the loader.

``lookup`` replaces the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from importlib.metadata import EntryPoints as ListOfEntryPoints
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.launch.lookup import OUR_LAST, current_lookup, replace_lookup
from distrokit.plugins.entry_points import INSTRUMENTORS, EntryPoints, title_of

PRE_INSTRUMENT, POST_INSTRUMENT = "opentelemetry_pre_instrument", "opentelemetry_post_instrument"

#: Called with the problem of a function that raised.
Report = Callable[[Problem], None]


class _EntryPointList:
    """Replaces OpenTelemetry's cached list of entry points."""

    def __init__(self, installed: EntryPoints, points: Iterable[EntryPoint]) -> None:
        self.installed = installed
        self._points = ListOfEntryPoints(points)

    def __call__(self) -> ListOfEntryPoints:
        return self._points


class _Guarded(EntryPoint):
    """An entry point whose function is imported and called under guard."""

    def load(self) -> Any:
        """Return the guarded function; imports nothing yet."""
        return vars(self)["guarded"]


def answer_lookups(installed: EntryPoints, instead: EntryPoint | None = None) -> None:
    """Let OpenTelemetry find these entry points.

    Args:
        instead: replaces the entry points with its name and group.
    """
    points = list(installed)
    if instead is not None:
        points = [point for point in points if (point.group, point.name) != (instead.group, instead.name)]
        points.append(instead)
    replace_lookup(_EntryPointList(installed, points))


def answer_loader(installed: EntryPoints, report: Report, apply: Callable[[], None]) -> None:
    """Let OpenTelemetry's loader find these entry points, with a guard around the functions that it calls.

    It finds no instrumentations: distrokit applies all of them at once, after the ``pre_instrument`` functions.
    distrokit's own function is the last one that the loader calls.

    Args:
        report: called with the problem of a function that raises.
        apply: applies the instrumentations.
    """
    ours = _Guarded("distrokit", OUR_LAST, PRE_INSTRUMENT)
    vars(ours)["guarded"] = apply
    points = [_guard(point, report) for point in installed if point.group != INSTRUMENTORS]
    replace_lookup(_EntryPointList(installed, sorted([*points, ours], key=lambda point: point.value == OUR_LAST)))


def given_entry_points() -> EntryPoints | None:
    """Return the entry points that OpenTelemetry finds by now; ``None`` if it does its own look-ups."""
    found = current_lookup()
    return found.installed if isinstance(found, _EntryPointList) else None


def _guard(point: EntryPoint, report: Report) -> EntryPoint:
    if point.group not in (PRE_INSTRUMENT, POST_INSTRUMENT) or point.value == OUR_LAST:
        return point

    def call() -> None:
        try:
            point.load()()
        except BaseException as error:
            contain(error)
            report(_failed(point, error))

    guarded = _Guarded(point.name, point.value, point.group)
    # An entry point refuses assignment; importlib.metadata itself writes to vars().
    vars(guarded).update(dist=point.dist, guarded=call)
    return guarded


def _failed(point: EntryPoint, error: BaseException) -> Problem:
    when = "pre" if point.group == PRE_INSTRUMENT else "post"
    return Problem(
        code="loader-hook-failed",
        subject=f"{when}-instrument hook {point.name} ({title_of(point)})",
        cause=describe_exception(error),
        outcome="the others are called, and the instrumentations are applied",
        remedy="Repair or uninstall its package.",
        detail=trace_of(error),
    )

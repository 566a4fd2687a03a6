"""OpenTelemetry's own look-ups of entry points, answered by distrokit's scan.

OpenTelemetry looks for its distros, configurators, instrumentations, propagators and context in a list that it makes once, from
``importlib.metadata``: one package whose entry points cannot be read costs it all of them, and a folder that pip left behind counts
twice. Its loader calls the functions of the groups ``opentelemetry_pre_instrument`` and ``opentelemetry_post_instrument`` without a
guard: the first one that raises ends the loader.

No public name leads there. This is the one place that replaces ``_original_entry_points_cached`` of
``opentelemetry.util._importlib_metadata``; a release that does not have it does its own look-ups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.metadata import EntryPoints as ListOfEntryPoints
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.entry_points import EntryPoints, title_of

PRE_INSTRUMENT, POST_INSTRUMENT = "opentelemetry_pre_instrument", "opentelemetry_post_instrument"

#: Where the loader calls back when all is done.
_OURS = "distrokit.distro:after_instrumentations"

_MODULE, _NAME = "opentelemetry.util._importlib_metadata", "_original_entry_points_cached"

#: Told when a function raised.
Report = Callable[[Problem], None]


class _Answer:
    """Stands in the place of OpenTelemetry's cached list."""

    def __init__(self, installed: EntryPoints, points: Iterable[EntryPoint]) -> None:
        self.installed = installed
        self._points = ListOfEntryPoints(points)

    def __call__(self) -> ListOfEntryPoints:
        return self._points


class _Guarded(EntryPoint):
    """The entry point of a function that is imported and called under guard."""

    def load(self) -> Any:
        """Return the guarded function; imports nothing yet."""
        return vars(self)["guarded"]


def answer_lookups(
    installed: EntryPoints, report: Report | None = None, instead: EntryPoint | None = None
) -> None:
    """Let OpenTelemetry find these entry points.

    Args:
        report: guards what the loader calls before and after the instrumentations, with distrokit's own function as the
            last one; ``None`` leaves the functions alone.
        instead: found in the place of those that have its name and its group.
    """
    try:
        theirs = import_module(_MODULE)
    except ImportError:
        return
    if callable(getattr(theirs, _NAME, None)):
        points = list(installed) if report is None else _in_order(_guard(point, report) for point in installed)
        if instead is not None:
            points = [point for point in points if (point.group, point.name) != (instead.group, instead.name)]
            points.append(instead)
        setattr(theirs, _NAME, _Answer(installed, points))


def answered() -> EntryPoints | None:
    """The entry points that OpenTelemetry finds by now; ``None`` where it looks for them itself."""
    try:
        answer = getattr(import_module(_MODULE), _NAME, None)
    except ImportError:
        return None
    return answer.installed if isinstance(answer, _Answer) else None


def _in_order(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    return sorted(points, key=lambda point: point.value == _OURS)


def _guard(point: EntryPoint, report: Report) -> EntryPoint:
    if point.group not in (PRE_INSTRUMENT, POST_INSTRUMENT) or point.value == _OURS:
        return point

    def call() -> None:
        try:
            point.load()()
        except BaseException as error:
            contain(error)
            report(_failed(point, error))

    guarded = _Guarded(point.name, point.value, point.group)
    # As importlib.metadata does it: an entry point cannot be changed by assignment.
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

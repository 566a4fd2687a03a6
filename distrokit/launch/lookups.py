"""OpenTelemetry's own look-ups of entry points, answered by distrokit's scan.

OpenTelemetry looks for its distros, configurators, propagators and so on in a list that it makes once, from
``importlib.metadata``: one package whose entry points cannot be read costs it all of them, and a folder that pip left
behind counts twice. Its loader calls the functions of the groups ``opentelemetry_pre_instrument`` and
``opentelemetry_post_instrument`` without a guard: the first one that raises ends the loader.

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
from distrokit.plan.instrumentation_planning import GROUP
from distrokit.plugins.entry_points import EntryPoints, title_of

PRE_INSTRUMENT, POST_INSTRUMENT = "opentelemetry_pre_instrument", "opentelemetry_post_instrument"

#: Where the loader calls back when all is done.
_OURS = "distrokit.launch.distro:after_instrumentations"

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


def answer_lookups(installed: EntryPoints, instead: EntryPoint | None = None) -> None:
    """Let OpenTelemetry find these entry points.

    Args:
        instead: found in the place of those that have its name and its group.
    """
    points = list(installed)
    if instead is not None:
        points = [point for point in points if (point.group, point.name) != (instead.group, instead.name)]
        points.append(instead)
    _answer(_Answer(installed, points))


def answer_loader(installed: EntryPoints, report: Report, apply: Callable[[], None]) -> None:
    """Likewise while OpenTelemetry's loader runs: what it calls before and after the instrumentations is guarded.

    It finds no instrumentation: all are applied at once, behind what it calls before them. distrokit's own function is
    the last one that it calls.

    Args:
        report: told when a function raises.
        apply: applies the instrumentations.
    """
    ours = _Guarded("distrokit", _OURS, PRE_INSTRUMENT)
    vars(ours)["guarded"] = apply
    points = [_guard(point, report) for point in installed if point.group != GROUP]
    _answer(_Answer(installed, sorted([*points, ours], key=lambda point: point.value == _OURS)))


def _answer(answer: _Answer) -> None:
    try:
        theirs = import_module(_MODULE)
    except ImportError:
        return
    if callable(getattr(theirs, _NAME, None)):
        setattr(theirs, _NAME, answer)


def answered() -> EntryPoints | None:
    """The entry points that OpenTelemetry finds by now; ``None`` where it looks for them itself."""
    try:
        answer = getattr(import_module(_MODULE), _NAME, None)
    except ImportError:
        return None
    return answer.installed if isinstance(answer, _Answer) else None


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

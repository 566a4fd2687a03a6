"""Awkward values for every field of a span, a log record and a metric: each alone, and all combined pairwise.

A test records good neighbours around each case and asserts that every neighbour arrives exactly once:

    for case in golden.spans():
        neighbour(); raised = case.record(tracer_provider); neighbour()

A case carries its name as the attribute ``id``, too; it has to arrive itself when it is not poisoned.

What raises into the caller with OpenTelemetry 1.45.1 alone, and is caught by the cases:
- a cyclic attribute: RecursionError from ``set_attribute``, ``emit``, ``add``, ``record`` and ``set``
- ``record_exception`` of an exception whose ``__str__`` fails: what that raised
- a metric value that is text or None: TypeError from ``add``, ``record`` and ``set``, not from a callback's
- a metric's name that is empty, not ASCII or longer than 255, a unit not ASCII or longer than 63: Exception from ``create_*``
- a metric's name, unit or description that is an int: AttributeError or TypeError from ``create_*``
A meter of an empty name is a no-op there, without a word.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import golden_recording
from golden_values import ALONE, LOGS, METRICS, SPANS, Dimensions


@dataclass(frozen=True)
class Case:
    """One awkward item.

    Attributes:
        name: each dimension that is not normal, with its value; an id for all signals.
        poisoned: false: OTLP can carry it, it has to arrive once. True: a field that stands for itself holds what OTLP cannot
            carry. ``None``: an attribute does, or the API does not allow it. In both cases the item may be dropped or
            repaired, and must never harm its neighbours.
        record: takes the provider of its signal; returns what calls of the API raised, all of it caught.
    """

    name: str
    poisoned: bool | None
    record: Callable[[Any], list[Exception]]


def spans() -> list[Case]:
    """To be recorded with a tracer provider."""
    return _cases("span", SPANS, golden_recording.span)


def logs() -> list[Case]:
    """To be recorded with a logger provider."""
    return _cases("log", LOGS, golden_recording.log)


def metrics() -> list[Case]:
    """To be recorded with a meter provider; a second time adds to the same instruments."""
    return _cases("metric", METRICS, golden_recording.metric)


def pairwise(dimensions: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Rows in which each two values of two dimensions meet at least once. Always the same rows."""
    which = list(itertools.combinations(range(len(dimensions)), 2))
    missing = {(i, a, j, b): None for i, j in which for a in dimensions[i] for b in dimensions[j]}
    while missing:
        i, a, j, b = next(iter(missing))
        row: dict[int, str] = {i: a, j: b}
        for k, values in enumerate(dimensions):
            if k not in row:
                row[k] = max(values, key=lambda v: sum(_pair(k, v, m, row[m]) in missing for m in row))
        for m, n in which:
            missing.pop(_pair(m, row[m], n, row[n]), None)
        yield tuple(row[k] for k in range(len(dimensions)))


def _pair(k: int, a: str, m: int, b: str) -> tuple[int, str, int, str]:
    return (k, a, m, b) if k < m else (m, b, k, a)


def _cases(signal: str, dimensions: Dimensions, record: Callable[..., list[Exception]]) -> list[Case]:
    names = [list(values) for values in dimensions.values()]
    normal = tuple(values[0] for values in names)
    alone = [(*normal[:k], value, *normal[k + 1 :]) for k, values in enumerate(names) for value in values[1:]]
    combined = pairwise([[v for v in values if (signal, key, v) not in ALONE] for key, values in dimensions.items()])
    return [_case(signal, dimensions, row, record) for row in dict.fromkeys([normal, *alone, *combined])]


def _case(signal: str, dimensions: Dimensions, row: tuple[str, ...], record: Callable[..., list[Exception]]) -> Case:
    chosen = {key: values[name] for (key, values), name in zip(dimensions.items(), row, strict=True)}
    awkward = [
        f"{key}={name}"
        for (key, values), name in zip(dimensions.items(), row, strict=True)
        if name != next(iter(values))
    ]
    name = f"{signal}({', '.join(awkward)})"
    marks = {poisoned for _, poisoned in chosen.values()}
    values = {key: value for key, (value, _) in chosen.items()}
    return Case(
        name,
        True if True in marks else None if None in marks else False,
        lambda provider: record(provider, name, **values),
    )

"""Puts what was recorded in an order of its own, gives spans their parents' names, and makes series of points."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from distrokit.testing.items import Log, Metric, Span

I = TypeVar("I", Span, Metric, Log)  # noqa: E741  (an item)


def spans_in_order(spans: Iterable[Span]) -> list[Span]:
    """By start, a parent before its children; each with the name of its parent."""
    found = sorted(spans, key=lambda span: (span.start, -span.end, span.name))
    names = {(span.trace_id, span.span_id): span.name for span in found}
    return [replace(span, parent=names.get((span.trace_id, span.parent_span_id))) for span in found]


def logs_in_order(logs: Iterable[Log], spans: Iterable[Span]) -> list[Log]:
    """By time, and those of one time as they came; each with the name of its span."""
    names = {(span.trace_id, span.span_id): span.name for span in spans}
    return [replace(log, span=names.get((log.trace_id, log.span_id))) for log in sorted(logs, key=lambda log: log.time)]


def series_in_order(points: Iterable[Metric]) -> list[Metric]:
    """One item per series, by scope, name and attributes; ``points`` are in the order in which they were collected."""
    series: dict[tuple[str, ...], Metric] = {}
    for point in points:
        own = (_text(point.attributes), _text(point.resource), point.kind, point.unit, point.temporality)
        key = (point.scope.name, point.name, point.scope.version, *own)
        before = series.get(key)
        series[key] = _added(before, point) if before and point.temporality == "delta" else point
    return [series[key] for key in sorted(series)]


def _added(one: Metric, other: Metric) -> Metric:
    same = one.bounds == other.bounds
    return replace(
        other,
        value=one.value + other.value,
        count=one.count + other.count,
        buckets=tuple(a + b for a, b in zip(one.buckets, other.buckets, strict=False)) if same else other.buckets,
        minimum=_least(one.minimum, other.minimum),
        maximum=_most(one.maximum, other.maximum),
    )


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def together(parts: Sequence[Sequence[I]]) -> list[I]:
    """What several exporters were given, each item once; what one was given twice is there twice."""
    found: list[I] = []
    have: Counter[str] = Counter()
    for part in parts:
        here: Counter[str] = Counter()
        for item in part:
            key = _identity(item)
            here[key] += 1
            if here[key] > have[key]:
                have[key] = here[key]
                found.append(item)
    return found


def _identity(item: object) -> str:
    return repr([getattr(item, f.name) for f in fields(item)])  # type: ignore[arg-type]  # a dataclass


def _text(attributes: Mapping[str, Any]) -> str:
    return json.dumps(attributes, sort_keys=True, default=repr)

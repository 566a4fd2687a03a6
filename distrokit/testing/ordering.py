"""Sorts items, fills in the names of parents and spans, and merges data points into series."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from distrokit.testing.items import Log, Metric, Span

I = TypeVar("I", Span, Metric, Log)  # noqa: E741  (an item)


def spans_in_order(spans: Iterable[Span]) -> list[Span]:
    """Sort by start, parents before children; fill in the parents' names."""
    found = sorted(spans, key=lambda span: (span.start, -span.end, span.name))
    names = {(span.trace_id, span.span_id): span.name for span in found}
    return [replace(span, parent=names.get((span.trace_id, span.parent_span_id))) for span in found]


def logs_in_order(logs: Iterable[Log], spans: Iterable[Span]) -> list[Log]:
    """Sort by time, stable; fill in the spans' names."""
    names = {(span.trace_id, span.span_id): span.name for span in spans}
    return [replace(log, span=names.get((log.trace_id, log.span_id))) for log in sorted(logs, key=lambda log: log.time)]


def series_in_order(points: Iterable[Metric]) -> list[Metric]:
    """Merge points, in order of collection, into one item per series; sort by scope, name and attributes."""
    series: dict[tuple[str, ...], Metric] = {}
    for point in points:
        own = (_text(point.attributes), _text(point.resource), point.kind, point.unit, point.temporality)
        key = (point.scope.name, point.name, point.scope.version, *own)
        before = series.get(key)
        series[key] = _add(before, point) if before and point.temporality == "delta" else point
    return [series[key] for key in sorted(series)]


def _add(one: Metric, other: Metric) -> Metric:
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


def merge(parts: Sequence[Sequence[I]]) -> list[I]:
    """Merge the items of several exporters without duplicates; an item that one exporter has twice stays twice."""
    merged: list[I] = []
    counts: Counter[str] = Counter()
    for part in parts:
        here: Counter[str] = Counter()
        for item in part:
            key = _identity(item)
            here[key] += 1
            if here[key] > counts[key]:
                counts[key] = here[key]
                merged.append(item)
    return merged


def _identity(item: object) -> str:
    return repr([getattr(item, f.name) for f in fields(item)])  # type: ignore[arg-type]  # a dataclass


def _text(attributes: Mapping[str, Any]) -> str:
    return json.dumps(attributes, sort_keys=True, default=repr)

"""Merges data points that have the same attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any


def merge_points(data: Any, points: Sequence[Any]) -> list[Any]:
    """Return points with different attributes.

    Sums and histograms are added. Of a gauge the newest point stays. Exponential histograms, and histograms with other
    bounds, stay as they are.

    Args:
        data: the data of the metric, of a class of the SDK.
    """
    from opentelemetry.sdk.metrics.export import Gauge, Histogram, Sum

    merges = ((Sum, _add), (Gauge, _newest), (Histogram, _add_buckets))
    merge = next((merge for kind, merge in merges if isinstance(data, kind)), None)
    if merge is None:
        return list(points)
    merged: list[Any] = []
    places: dict[Any, int] = {}
    for point in points:
        key = _key(point.attributes)
        place = places.get(key)
        both = merge(merged[place], point) if place is not None else None
        if place is None or both is None:
            places[key] = len(merged)
            merged.append(point)
        else:
            merged[place] = both
    return merged


def _key(attributes: Any) -> Any:
    """Return the attributes as a value that can be compared, however nested they are."""
    return repr(sorted((str(name), repr(value)) for name, value in (attributes or {}).items()))


def _join(one: Any, other: Any, **parts: Any) -> Any:
    return replace(
        one,
        start_time_unix_nano=_pick(min, one.start_time_unix_nano, other.start_time_unix_nano),
        time_unix_nano=max(one.time_unix_nano, other.time_unix_nano),
        exemplars=[*(one.exemplars or ()), *(other.exemplars or ())],
        **parts,
    )


def _add(one: Any, other: Any) -> Any:
    return _join(one, other, value=one.value + other.value)


def _newest(one: Any, other: Any) -> Any:
    return other if other.time_unix_nano >= one.time_unix_nano else one


def _add_buckets(one: Any, other: Any) -> Any:
    if list(one.explicit_bounds) != list(other.explicit_bounds):
        return None
    counts = [left + right for left, right in zip(one.bucket_counts, other.bucket_counts, strict=True)]
    return _join(
        one,
        other,
        count=one.count + other.count,
        sum=one.sum + other.sum,
        bucket_counts=counts,
        min=_pick(min, one.min, other.min),
        max=_pick(max, one.max, other.max),
    )


def _pick(pick: Callable[[list[Any]], Any], *values: Any) -> Any:
    """Pick one of the values that are known; ``None`` if none is."""
    known = [value for value in values if value is not None]
    return pick(known) if known else None

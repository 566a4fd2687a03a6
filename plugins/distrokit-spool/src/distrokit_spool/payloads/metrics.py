"""Metrics as JSON, and back: all types of the SDK, with exemplars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from distrokit_spool.payloads.attribute_values import attributes_of, plain_attributes
from distrokit_spool.payloads.origins import Origins, OriginsRead

_KINDS: dict[str, tuple[type[Any], type[Any]]] = {
    "gauge": (Gauge, NumberDataPoint),
    "sum": (Sum, NumberDataPoint),
    "histogram": (Histogram, HistogramDataPoint),
    "exponential_histogram": (ExponentialHistogram, ExponentialHistogramDataPoint),
}

_NUMBER = ("start_time_unix_nano", "time_unix_nano", "value")
_SUMMARY = ("start_time_unix_nano", "time_unix_nano", "count", "sum", "min", "max")
#: Fields of a data point except attributes, exemplars and buckets.
_FIELDS: dict[str, tuple[str, ...]] = {
    "gauge": _NUMBER,
    "sum": _NUMBER,
    "histogram": _SUMMARY,
    "exponential_histogram": (*_SUMMARY, "scale", "zero_count", "flags"),
}

Piece = tuple[ResourceMetrics, ScopeMetrics, Metric]


def pieces(batch: MetricsData) -> Iterator[tuple[Piece, int]]:
    """Yield each metric with its number of data points."""
    for resource in batch.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield (resource, scope, metric), len(getattr(metric.data, "data_points", ()))


def plain(piece: Piece, origins: Origins) -> Any:
    """Convert a metric with all its points to JSON types. Raises ``ValueError`` for a type that is not the SDK's."""
    resource, scope, metric = piece
    kind = next((name for name, (data, _) in _KINDS.items() if isinstance(metric.data, data)), None)
    if kind is None:
        raise ValueError(f"{type(metric.data).__name__} is no kind of metric")
    temporality = getattr(metric.data, "aggregation_temporality", None)
    return {
        "resource": origins.resource(resource.resource),
        "resource_schema_url": resource.schema_url,
        "scope": origins.scope(scope.scope),
        "scope_schema_url": scope.schema_url,
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "kind": kind,
        "temporality": None if temporality is None else int(temporality),
        "monotonic": getattr(metric.data, "is_monotonic", None),
        "points": [_plain_point(point, kind) for point in metric.data.data_points],
    }


def batch(read: Sequence[Any], origins: OriginsRead) -> MetricsData:
    """Convert a list of :func:`plain` results back."""
    resources: dict[Any, dict[Any, list[Metric]]] = {}
    for one in read:
        scopes = resources.setdefault((one["resource"], one["resource_schema_url"]), {})
        scopes.setdefault((one["scope"], one["scope_schema_url"]), []).append(_metric(one))
    return MetricsData(
        [
            ResourceMetrics(
                origins.resource(resource),
                [ScopeMetrics(origins.scopes[scope], metrics, url) for (scope, url), metrics in scopes.items()],
                resource_url,
            )
            for (resource, resource_url), scopes in resources.items()
        ]
    )


def _plain_point(point: Any, kind: str) -> Any:
    plain = {name: getattr(point, name) for name in _FIELDS[kind]}
    plain["attributes"] = plain_attributes(point.attributes)
    if point.exemplars:
        plain["exemplars"] = [
            [plain_attributes(e.filtered_attributes), e.value, e.time_unix_nano, e.span_id, e.trace_id]
            for e in point.exemplars
        ]
    if kind == "histogram":
        plain["bucket_counts"], plain["explicit_bounds"] = list(point.bucket_counts), list(point.explicit_bounds)
    elif kind == "exponential_histogram":
        for side in ("positive", "negative"):
            buckets = getattr(point, side)
            plain[side] = [buckets.offset, list(buckets.bucket_counts)]
    return plain


def _metric(read: Any) -> Metric:
    data, point = _KINDS[read["kind"]]
    rest: dict[str, Any] = {}
    if read["temporality"] is not None:
        rest["aggregation_temporality"] = AggregationTemporality(read["temporality"])
    if read["monotonic"] is not None:
        rest["is_monotonic"] = read["monotonic"]
    points = [point(**_point(one)) for one in read["points"]]
    return Metric(read["name"], read["description"], read["unit"], data(data_points=points, **rest))


def _point(read: dict[str, Any]) -> dict[str, Any]:
    """Return the constructor's arguments for a data point."""
    arguments = {**read, "attributes": attributes_of(read["attributes"])}
    arguments["exemplars"] = [
        Exemplar(attributes_of(attributes), *rest) for attributes, *rest in read.get("exemplars", ())
    ]
    for side in {"positive", "negative"} & arguments.keys():
        offset, counts = arguments[side]
        arguments[side] = Buckets(offset, counts)
    return arguments

"""Converts the SDK's objects to plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import ExponentialHistogram as Exponential
from opentelemetry.sdk.metrics.export import Gauge, Metric, MetricsData, Sum
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import format_span_id, format_trace_id

from distrokit.testing import items


def span_of(span: ReadableSpan) -> items.Span:
    """Convert a span; its parent's name is filled in later."""
    context = span.context
    return items.Span(
        name=span.name,
        kind=span.kind.name.lower(),
        attributes=attributes_of(span.attributes),
        scope=_scope(span.instrumentation_scope),
        status=span.status.status_code.name.lower(),
        status_message=span.status.description or "",
        events=tuple(items.Event(e.name, attributes_of(e.attributes), e.timestamp) for e in span.events),
        links=tuple(
            items.Link(
                attributes_of(link.attributes),
                format_trace_id(link.context.trace_id),
                format_span_id(link.context.span_id),
            )
            for link in span.links
        ),
        resource=_resource(span.resource),
        trace_id=format_trace_id(context.trace_id) if context else "",
        span_id=format_span_id(context.span_id) if context else "",
        parent_span_id=format_span_id(span.parent.span_id) if span.parent else "",
        start=span.start_time or 0,
        end=span.end_time or 0,
    )


def log_of(readable: ReadableLogRecord) -> items.Log:
    """Convert a log record; its span's name is filled in later."""
    record = readable.log_record
    return items.Log(
        body=plain(record.body),
        severity=record.severity_text or "",
        severity_number=record.severity_number.value if record.severity_number else 0,
        attributes=attributes_of(record.attributes),
        event_name=record.event_name or "",
        scope=_scope(readable.instrumentation_scope),
        resource=_resource(readable.resource),
        trace_id=format_trace_id(record.trace_id) if record.trace_id else "",
        span_id=format_span_id(record.span_id) if record.span_id else "",
        time=record.timestamp or record.observed_timestamp or 0,
    )


def points_of(data: MetricsData) -> Iterator[items.Metric]:
    """Yield every data point of one collection."""
    for of_resource in data.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                for point in metric.data.data_points:
                    yield _point(metric, point, _scope(of_scope.scope), _resource(of_resource.resource))


def _point(metric: Metric, point: Any, scope: items.Scope, resource: items.Attributes) -> items.Metric:
    data = metric.data
    own: dict[str, Any] = {}
    if isinstance(data, (Sum, Gauge)):
        kind = "sum" if isinstance(data, Sum) else "gauge"
        own["value"] = point.value
    else:
        kind = "exponential_histogram" if isinstance(data, Exponential) else "histogram"
        # Without measurements min and max are infinite.
        known = bool(point.count) and point.min <= point.max
        own.update(value=point.sum, count=point.count)
        own.update(minimum=point.min if known else None, maximum=point.max if known else None)
        if kind == "histogram":
            own.update(bounds=tuple(point.explicit_bounds), buckets=tuple(point.bucket_counts))
    temporality = getattr(data, "aggregation_temporality", None)
    return items.Metric(
        name=metric.name,
        kind=kind,
        attributes=attributes_of(point.attributes),
        unit=metric.unit or "",
        description=metric.description or "",
        scope=scope,
        temporality=temporality.name.lower() if temporality is not None else "",
        monotonic=bool(getattr(data, "is_monotonic", False)),
        resource=resource,
        exemplars=tuple(exemplar.value for exemplar in point.exemplars),
        **own,
    )


def attributes_of(attributes: Mapping[str, Any] | None) -> items.Attributes:
    """Convert attributes to a dict of plain values; sequences become lists, as in OTLP."""
    return {name: plain(value) for name, value in (attributes or {}).items()}


def plain(value: Any) -> Any:
    """Convert sequences to lists and mappings to dicts; return other values unchanged."""
    if isinstance(value, Mapping):
        return attributes_of(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return value


def _scope(scope: InstrumentationScope | None) -> items.Scope:
    return items.Scope(scope.name, scope.version or "") if scope else items.Scope()


def _resource(resource: Resource | None) -> items.Attributes:
    return attributes_of(resource.attributes) if resource else {}

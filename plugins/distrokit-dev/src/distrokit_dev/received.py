"""Received items as plain data: spans, log records and metric points with their resource and scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Request = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """An instrumentation scope."""

    name: str
    version: str = ""


@dataclass(frozen=True)
class ReceivedEvent:
    """An event of a span. ``time`` is nanoseconds since 1970."""

    name: str
    time: int
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class ReceivedLink:
    """A link of a span; ids are hexadecimal."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class ReceivedSpan:
    """A span. Ids are hexadecimal, ``parent_span_id`` is empty for a root; times are nanoseconds since 1970."""

    resource: Attributes
    scope: Scope
    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    kind: str
    start: int
    end: int
    status: str
    status_message: str = ""
    attributes: Attributes = field(default_factory=dict)
    events: tuple[ReceivedEvent, ...] = ()
    links: tuple[ReceivedLink, ...] = ()

    @property
    def duration_ms(self) -> float:
        """Duration in milliseconds."""
        return (self.end - self.start) / 1e6


@dataclass(frozen=True)
class ReceivedLog:
    """A log record. ``time`` is nanoseconds since 1970; ids are hexadecimal, empty outside a span.

    ``severity`` is the severity text, ``severity_number`` OpenTelemetry's number, 0 if unknown.
    """

    resource: Attributes
    scope: Scope
    time: int
    severity: str
    body: Any
    trace_id: str = ""
    span_id: str = ""
    attributes: Attributes = field(default_factory=dict)
    severity_number: int = 0
    event_name: str = ""


@dataclass(frozen=True)
class ReceivedPoint:
    """One point of a metric.

    Attributes:
        kind: ``gauge``, ``sum``, ``histogram``, ``exponential_histogram`` or ``summary``.
        value: of a gauge or a sum; the sum of the measurements of the others.
        count: number of measurements of the others.
        temporality: ``cumulative`` or ``delta``; empty for kinds without one.
        monotonic: true for a sum that only grows.
        bounds, buckets: of a histogram with explicit bounds.
        minimum, maximum: of a histogram; ``None`` if not recorded.
        exemplars: their values.
    """

    resource: Attributes
    scope: Scope
    name: str
    unit: str
    kind: str
    value: float
    count: int = 0
    attributes: Attributes = field(default_factory=dict)
    description: str = ""
    temporality: str = ""
    monotonic: bool = False
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exemplars: tuple[float, ...] = ()


Item = ReceivedSpan | ReceivedLog | ReceivedPoint


def spans(requests: Iterable[Request]) -> list[ReceivedSpan]:
    """Return the spans in these requests, in order of arrival."""
    return [
        ReceivedSpan(
            resource=attributes(group.resource.attributes),
            scope=_scope(scoped.scope),
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex(),
            kind=_enum_name(Span.SpanKind.Name, span.kind, "SPAN_KIND_"),
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            status=_enum_name(Status.StatusCode.Name, span.status.code, "STATUS_CODE_"),
            status_message=span.status.message,
            attributes=attributes(span.attributes),
            events=tuple(
                ReceivedEvent(event.name, event.time_unix_nano, attributes(event.attributes)) for event in span.events
            ),
            links=tuple(
                ReceivedLink(link.trace_id.hex(), link.span_id.hex(), attributes(link.attributes))
                for link in span.links
            ),
        )
        for request in requests
        if isinstance(request, ExportTraceServiceRequest)
        for group in request.resource_spans
        for scoped in group.scope_spans
        for span in scoped.spans
    ]


def logs(requests: Iterable[Request]) -> list[ReceivedLog]:
    """Return the log records in these requests, in order of arrival."""
    return [
        ReceivedLog(
            resource=attributes(group.resource.attributes),
            scope=_scope(scoped.scope),
            time=record.time_unix_nano or record.observed_time_unix_nano,
            severity=record.severity_text,
            body=plain(record.body),
            trace_id=record.trace_id.hex(),
            span_id=record.span_id.hex(),
            attributes=attributes(record.attributes),
            severity_number=record.severity_number,
            event_name=record.event_name,
        )
        for request in requests
        if isinstance(request, ExportLogsServiceRequest)
        for group in request.resource_logs
        for scoped in group.scope_logs
        for record in scoped.log_records
    ]


def points(requests: Iterable[Request]) -> list[ReceivedPoint]:
    """Return the metric points in these requests, in order of arrival."""
    return [
        point(attributes(group.resource.attributes), _scope(scoped.scope), metric.name, metric.unit)
        for request in requests
        if isinstance(request, ExportMetricsServiceRequest)
        for group in request.resource_metrics
        for scoped in group.scope_metrics
        for metric in scoped.metrics
        for point in _points(metric)
    ]


def items(request: Request) -> list[Item]:
    """Return all items of one request, of any signal."""
    return [*spans([request]), *logs([request]), *points([request])]


def service_of(item: Item) -> str:
    """Return the service's name; ``unknown_service`` if the resource has none."""
    return str(item.resource.get("service.name") or "unknown_service")


def attributes(pairs: Iterable[KeyValue]) -> Attributes:
    """Convert attributes to a dict of plain values."""
    return {pair.key: plain(pair.value) for pair in pairs}


def plain(value: AnyValue) -> Any:
    """Convert an ``AnyValue`` to its value; ``None`` if it is empty."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind)


def _enum_name(name_of: Callable[[Any], str], number: int, prefix: str) -> str:
    try:
        return name_of(number).removeprefix(prefix).lower()
    except ValueError:
        # protobuf accepts values that a later version of OTLP may define.
        return str(number)


def _scope(scope: InstrumentationScope) -> Scope:
    return Scope(scope.name, scope.version)


def _points(metric: Metric) -> Iterator[Callable[..., ReceivedPoint]]:
    """Yield a constructor per point that needs resource, scope, name and unit."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    shared: dict[str, Any] = {
        "kind": str(kind),
        "description": metric.description,
        "temporality": _temporality(data),
        "monotonic": getattr(data, "is_monotonic", False),
    }
    for point in data.data_points:
        own: dict[str, Any] = {"attributes": attributes(point.attributes)}
        if kind in ("gauge", "sum"):
            own["value"] = getattr(point, point.WhichOneof("value") or "as_double")
        else:
            own.update(value=point.sum, count=point.count)
            for name, field_name in (("minimum", "min"), ("maximum", "max")):
                if kind != "summary" and point.HasField(field_name):
                    own[name] = getattr(point, field_name)
        if kind == "histogram":
            own.update(bounds=tuple(point.explicit_bounds), buckets=tuple(point.bucket_counts))
        if kind != "summary":
            own["exemplars"] = tuple(getattr(e, e.WhichOneof("value") or "as_double") for e in point.exemplars)
        yield partial(ReceivedPoint, **shared, **own)


def _temporality(data: Any) -> str:
    number = getattr(data, "aggregation_temporality", 0)
    return _enum_name(AggregationTemporality.Name, number, "AGGREGATION_TEMPORALITY_") if number else ""

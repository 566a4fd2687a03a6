"""What the spool writes down and reads back: the SDK's own objects, of each signal, with whatever is in them."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Exemplar, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from distrokit_spool.payloads import Unreadable, decode, encode

RESOURCE = Resource({"service.name": "shop", "n": 3, "list": ["a", "b"]}, "https://example.org/resource")
REMOTE = SpanContext(
    0xABC << 100,
    0xDEF << 40,
    is_remote=True,
    trace_flags=TraceFlags(1),
    trace_state=TraceState([("a", "1"), ("b", "2")]),
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    # As they come out of os.fsdecode.
    | st.text(st.characters(categories=["Cs", "L"]))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)
attributes = st.dictionaries(st.text(min_size=1), values, max_size=5)


def same(one: Any, other: Any) -> bool:
    """Equal, of equal types, NaN being NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


def back(signal: Any, items: Any, refused: int = 0) -> Any:
    payload = encode(signal, items)
    assert payload.refused == refused
    return decode(signal, payload.content)


def context_of(context: SpanContext | None) -> Any:
    return context and (*context, list(context.trace_state.items()))


def span_as_data(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "context": context_of(span.context),
        "parent": context_of(span.parent),
        "kind": span.kind,
        "times": (span.start_time, span.end_time),
        "status": (span.status.status_code, span.status.description),
        "attributes": dict(span.attributes or {}),
        "events": [(e.name, e.timestamp, dict(e.attributes or {}), e.dropped_attributes) for e in span.events],
        "links": [(context_of(x.context), dict(x.attributes or {}), x.dropped_attributes) for x in span.links],
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "resource": (span.resource, span.resource.schema_url),
        "scope": span.instrumentation_scope,
        "json": json.loads(span.to_json()),
    }


def log_as_data(item: ReadableLogRecord) -> dict[str, Any]:
    record = item.log_record
    names = (
        "timestamp",
        "observed_timestamp",
        "trace_id",
        "span_id",
        "trace_flags",
        "severity_text",
        "severity_number",
    )
    return {
        **{name: getattr(record, name) for name in (*names, "body", "event_name")},
        "attributes": None if record.attributes is None else dict(record.attributes),
        "dropped": item.dropped_attributes,
        "resource": (item.resource, item.resource.schema_url),
        "scope": item.instrumentation_scope,
    }


def recorded_spans() -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    limits = SpanLimits(max_events=1, max_links=1, max_span_attributes=2, max_event_attributes=1, max_link_attributes=1)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("my.scope", "1.2", "https://example.org/scope", {"scoped": True})
    with tracer.start_as_current_span(
        "full",
        set_span_in_context(NonRecordingSpan(REMOTE)),
        SpanKind.CONSUMER,
        {"gone": 0, "int": 2**60, "floats": [1.0, math.inf]},
        [Link(REMOTE, {"x": 1}), Link(REMOTE, {"a": 1, "b": [True, False]})],
    ) as span:
        span.add_event("first", {"x": 1})
        span.add_event("second", {"gone": 1, "kept": "ü\0"}, 5)
        span.set_status(Status(StatusCode.ERROR, "broken"))
        tracer.start_span("inside").end()
    provider.get_tracer("bare").start_span("root").end()
    return list(exporter.get_finished_spans())


def test_spans_are_as_they_were():
    spans = recorded_spans()

    again = back("traces", spans)

    assert [span_as_data(span) for span in again] == [span_as_data(span) for span in spans]
    full = next(span for span in again if span.name == "full")
    assert (full.dropped_attributes, full.dropped_events, full.dropped_links) == (1, 1, 1)
    assert (full.links[0].dropped_attributes, full.events[0].dropped_attributes) == (1, 1)
    assert (full.parent.is_remote, full.parent.trace_state["b"], full.links[0].context.is_remote) == (True, "2", True)
    # Those of one resource have one, as exporters group by it.
    assert len({id(span.resource) for span in again}) == 1


def test_log_records_are_as_they_were():
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("my.scope", "1.2", "https://example.org/scope")
    body = {"text": "ü", "deep": [{"n": (1, None)}], "bytes": b"\0\xff"}
    logger.emit(
        LogRecord(
            timestamp=7,
            context=set_span_in_context(NonRecordingSpan(REMOTE)),
            severity_number=SeverityNumber.WARN2,
            severity_text="WARN",
            body=body,
            attributes={"exception.message": "x", "nested": {"a": [1, 2]}},
            event_name="my.event",
        )
    )
    logger.emit(LogRecord())
    records = [*exporter.get_finished_logs()]

    again = back("logs", records)

    assert [log_as_data(record) for record in again] == [log_as_data(record) for record in records]
    assert (again[0].log_record.trace_id, again[0].log_record.event_name) == (REMOTE.trace_id, "my.event")
    assert again[0].log_record.severity_number is SeverityNumber.WARN2


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_metrics_of_all_kinds_are_as_they_were(temporality):
    from opentelemetry.sdk.metrics import Counter, Histogram

    reader = InMemoryMetricReader(preferred_temporality={Counter: temporality, Histogram: temporality})
    views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation(max_scale=3))]
    provider = MeterProvider([reader], RESOURCE, views=views, shutdown_on_exit=False)
    meter = provider.get_meter("my.scope", "1.2", "https://example.org/scope", {"scoped": True})
    context = set_span_in_context(NonRecordingSpan(REMOTE))
    meter.create_counter("whole", "1", "how many").add(3, {"a": "b"}, context)
    meter.create_counter("broken").add(1.5)
    meter.create_up_down_counter("up_and_down").add(-2)
    meter.create_gauge("level").set(math.inf)
    meter.create_observable_gauge("seen", [lambda options: []])
    for name in ("explicit", "exponential"):
        histogram = meter.create_histogram(name)
        for amount in (1, 2.5, 1000):
            histogram.record(amount, {"a": (1, 2)}, context)
    meter.create_histogram("unused")
    provider.get_meter("other").create_counter("c").add(1)
    data = reader.get_metrics_data()

    again = back("metrics", data)

    assert json.loads(again.to_json()) == json.loads(data.to_json())
    assert [r.resource for r in again.resource_metrics] == [r.resource for r in data.resource_metrics]
    assert [s.scope for s in again.resource_metrics[0].scope_metrics] == [
        s.scope for s in data.resource_metrics[0].scope_metrics
    ]
    metrics = {m.name: m for s in again.resource_metrics[0].scope_metrics for m in s.metrics}
    assert type(metrics["whole"].data.data_points[0].value) is int
    assert metrics["explicit"].data.aggregation_temporality is temporality
    assert metrics["exponential"].data.data_points[0].positive.bucket_counts
    assert metrics["whole"].data.data_points[0].exemplars[0].trace_id == REMOTE.trace_id


def test_exemplars_without_a_span_and_with_attributes():
    exemplars = [Exemplar({"x": (1, 2)}, 1.5, 9), Exemplar({}, 2, 10, 0xDEF, 0xABC)]
    point = NumberDataPoint({"a": 1}, 1, 2, 3, exemplars)
    scope = ScopeMetrics(InstrumentationScope("s"), [Metric("m", None, None, Gauge([point]))], "")
    data = MetricsData([ResourceMetrics(Resource({}), [scope], "u")])

    again = back("metrics", data)

    assert again.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0] == point
    assert again.resource_metrics[0].schema_url == "u"


@given(body=values, attributes=attributes)
def test_any_body_and_attributes_are_as_they_were(body, attributes):
    record = LogRecord(timestamp=1, observed_timestamp=2, body=body, attributes=attributes)

    (again,) = back("logs", [ReadableLogRecord(record, RESOURCE)])

    assert same(again.log_record.body, body)
    assert same(again.log_record.attributes, attributes)


@given(attributes=attributes, events=st.lists(st.tuples(st.text(), st.integers(0, 2**63)), max_size=3))
def test_any_attributes_of_a_span_are_as_the_sdk_left_them(attributes, events):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = provider.get_tracer("t").start_span("s", attributes=attributes)
    for name, time in events:
        span.add_event(name, attributes, time)
    span.end()
    (span,) = exporter.get_finished_spans()

    (again,) = back("traces", [span])

    assert same(dict(again.attributes), dict(span.attributes))
    assert again.dropped_attributes == span.dropped_attributes
    assert [(e.name, e.timestamp) for e in again.events] == events
    assert all(same(dict(x.attributes), dict(y.attributes)) for x, y in zip(again.events, span.events, strict=True))


class Odd:
    def __str__(self) -> str:
        return "odd"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def looped() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["self"] = [loop]
    return loop


def test_what_opentelemetry_has_no_type_for_becomes_text():
    record = LogRecord(body={1: Odd()}, attributes={"a": [Odd()]})

    (again,) = back("logs", [ReadableLogRecord(record, RESOURCE)])

    assert (again.log_record.body, again.log_record.attributes) == ({"1": "odd"}, {"a": ["odd"]})


@pytest.mark.parametrize("bad", [Broken(), looped(), 10**5000], ids=["str() raises", "a loop", "a huge number"])
def test_one_item_that_cannot_be_written_down_costs_itself_only(bad):
    bodies = ["first", bad, "last"]

    again = back("logs", [ReadableLogRecord(LogRecord(body=body), RESOURCE) for body in bodies], refused=1)

    assert [item.log_record.body for item in again] == ["first", "last"]


def test_one_metric_of_a_kind_nobody_knows_costs_its_points_only():
    points = [NumberDataPoint({}, 1, 2, 3)] * 2
    odd = Metric("odd", "", "", type("Odd", (), {"data_points": points})())
    scope = ScopeMetrics(InstrumentationScope("s"), [odd, Metric("even", "", "", Gauge(points))], "")

    again = back("metrics", MetricsData([ResourceMetrics(RESOURCE, [scope], "")]), refused=2)

    assert [metric.name for metric in again.resource_metrics[0].scope_metrics[0].metrics] == ["even"]


def test_nothing_is_written_when_nothing_can_be():
    payload = encode("logs", [ReadableLogRecord(LogRecord(body=Broken()), RESOURCE)])

    assert (payload.content, payload.items, payload.refused) == (b"", 0, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", zlib.compress(b"[]"), zlib.compress(b'{"items": [{}], "resources": [], "scopes": []}')],
    ids=["nothing", "garbage", "no object", "another format"],
)
def test_what_is_no_payload_is_said_to_be_none(content):
    with pytest.raises(Unreadable):
        decode("traces", content)


def test_a_byte_that_the_disk_changed_is_found():
    content = bytearray(encode("traces", recorded_spans()).content)
    content[len(content) // 2] ^= 1

    with pytest.raises(Unreadable):
        decode("traces", bytes(content))

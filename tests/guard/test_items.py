"""Items of the SDK: what stays of them, and that nothing is made anew where nothing changes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordLimits, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, Histogram, HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode

from distrokit_guard.redaction.logs import LogRedactor
from distrokit_guard.redaction.merging import merge_points
from distrokit_guard.redaction.metrics import MetricRedactor
from distrokit_guard.redaction.names import KINDS
from distrokit_guard.redaction.redactor import Redactor, Rules
from distrokit_guard.redaction.shared import SharedObjects
from distrokit_guard.redaction.spans import SpanRedactor

EMAIL, REDACTED = "bob@example.com", "[redacted:emails]"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(Rules(kinds=KINDS, keys=("password",)))


def make_span(resource=None, scope="shop", **limits):
    provider = TracerProvider(resource=resource or Resource({"a": "b"}), span_limits=SpanLimits(**limits))
    return provider.get_tracer(scope).start_span("GET", attributes={"a": 1, "b": "x"})


# ---------------------------------------------------------------------------------------- spans


def test_a_span_without_secrets_is_the_same_object(redactor):
    redact = SpanRedactor(redactor)
    span = make_span()
    span.add_event("e", {"c": "d"})
    span.add_link(SpanContext(1, 2, is_remote=True), {"e": "f"})
    span.set_status(Status(StatusCode.ERROR, "it failed"))
    span.end()

    assert redact(span) is span


def test_a_redacted_span_keeps_everything_else(redactor):
    span = make_span(max_span_attributes=2, max_events=2, max_links=1, max_event_attributes=1, max_link_attributes=1)
    span.set_attributes({"c": 1, "d": EMAIL})
    for number in range(4):
        span.add_event(f"e{number}", {"x": "1", "y": EMAIL}, timestamp=number)
    for _ in range(3):
        span.add_link(SpanContext(1, 2, is_remote=True), {"x": "1", "y": EMAIL})
    span.end()

    redacted = SpanRedactor(redactor)(span)

    assert redacted is not span
    assert dict(redacted.attributes) == {"c": 1, "d": REDACTED}
    assert (redacted.dropped_attributes, redacted.dropped_events, redacted.dropped_links) == (2, 2, 2)
    assert [(e.name, dict(e.attributes), e.timestamp, e.dropped_attributes) for e in redacted.events] == [
        ("e2", {"y": REDACTED}, 2, 1),
        ("e3", {"y": REDACTED}, 3, 1),
    ]
    assert [(dict(link.attributes), link.context, link.dropped_attributes) for link in redacted.links] == [
        ({"y": REDACTED}, span.links[0].context, 1)
    ]
    for name in ("name", "context", "parent", "resource", "kind", "status", "start_time", "end_time"):
        assert getattr(redacted, name) is getattr(span, name)
    assert redacted.instrumentation_scope is span.instrumentation_scope
    assert SpanRedactor(redactor)(redacted) is redacted


def test_events_and_links_without_secrets_are_the_same_objects(redactor):
    span = make_span()
    span.add_event("clean", {"a": "b"})
    span.add_event(EMAIL)
    span.end()

    redacted = SpanRedactor(redactor)(span)

    assert redacted.events[0] is span.events[0]
    assert redacted.events[1].name == REDACTED


def test_a_status_that_is_a_secret_keeps_its_code(redactor):
    span = make_span()
    span.set_status(Status(StatusCode.ERROR, EMAIL))
    span.end()

    status = SpanRedactor(redactor)(span).status

    assert (status.status_code, status.description) == (StatusCode.ERROR, REDACTED)


def test_values_that_no_exporter_can_encode_do_not_make_it_raise(redactor):
    span = make_span()
    span.set_attributes({"huge": 10**30, "secret": EMAIL, "surrogate": "\udc00"})
    span.end()

    assert dict(SpanRedactor(redactor)(span).attributes)["huge"] == 10**30


# ---------------------------------------------------------------------------------------- shared objects


def test_resource_and_scope_are_redacted_once(redactor):
    resource = Resource({"owner": EMAIL, "a": 1}, "https://schema")
    redact = SpanRedactor(redactor)
    spans = [make_span(resource, f"scope of {EMAIL}") for _ in range(2)]
    for span in spans:
        span.end()

    one, other = map(redact, spans)

    assert one.resource is other.resource
    assert dict(one.resource.attributes) == {"owner": REDACTED, "a": 1}
    assert one.resource.schema_url == "https://schema"
    assert one.instrumentation_scope.name == f"scope of {REDACTED}"


def test_a_scope_keeps_its_version_and_url(redactor):
    shared = SharedObjects(redactor)
    scope = InstrumentationScope("n", EMAIL, "https://u:p@h/", {"a": EMAIL})

    redacted = shared.scope(scope)

    assert (redacted.name, redacted.version) == ("n", REDACTED)
    assert redacted.schema_url == "https://[redacted:url-credentials]@h/"
    assert dict(redacted.attributes) == {"a": REDACTED}
    assert shared.scope(scope) is redacted


def test_many_scopes_do_not_stay_in_memory(redactor):
    shared = SharedObjects(redactor)
    for number in range(3000):
        shared.scope(InstrumentationScope(f"s{number}"))

    assert len(shared._known) <= 1024


# ---------------------------------------------------------------------------------------- log records


def make_record(**parts) -> ReadWriteLogRecord:
    limits = LogRecordLimits(max_attributes=2)
    return ReadWriteLogRecord(LogRecord(**parts), Resource({"owner": EMAIL}), InstrumentationScope(EMAIL), limits)


@pytest.mark.filterwarnings("ignore:Log record attributes were dropped")
def test_a_log_record_keeps_its_limits_and_its_number_of_dropped_attributes(redactor):
    error = ValueError("x")
    record = make_record(body="b", attributes={"a": 1, "b": 2, "c": EMAIL}, exception=error, event_name=EMAIL)

    assert LogRedactor(redactor)(record) is record

    attributes = record.log_record.attributes
    assert isinstance(attributes, BoundedAttributes)
    assert dict(attributes) == {"b": 2, "c": REDACTED}
    assert record.dropped_attributes == 1
    assert record.log_record.event_name == REDACTED
    # Another processor would find the secret in it.
    assert record.log_record.exception is None
    assert dict(record.resource.attributes) == {"owner": REDACTED}
    assert record.instrumentation_scope.name == REDACTED
    attributes["d"] = 1
    assert len(attributes) == 2


def test_a_log_record_without_secrets_keeps_its_objects(redactor):
    body, error = {"a": ["b"]}, ValueError("x")
    record = ReadWriteLogRecord(LogRecord(body=body, attributes={"a": "b"}, exception=error), None, None)
    attributes = record.log_record.attributes

    LogRedactor(redactor)(record)

    assert record.log_record.body is body
    assert record.log_record.attributes is attributes
    assert record.log_record.exception is error
    assert record.resource is None


def test_a_body_that_is_removed_is_none():
    record = make_record(body=["x@example.com"][0])
    nested = make_record(body=b"x@example.com")
    empty = make_record(body=None)
    redact = LogRedactor(Redactor(Rules(kinds=KINDS, action="remove")))

    assert redact(record).log_record.body == ""
    assert redact(nested).log_record.body is None
    assert redact(empty).log_record.body is None


def test_attributes_in_a_plain_mapping_are_replaced(redactor):
    record = make_record(body="b")
    record.log_record.attributes = {"a": EMAIL}

    assert LogRedactor(redactor)(record).log_record.attributes == {"a": REDACTED}


# ---------------------------------------------------------------------------------------- metrics


@pytest.fixture
def meters():
    reader = InMemoryMetricReader()
    views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider([reader], Resource({"a": "b"}), views=views)
    yield SimpleNamespace(meter=provider.get_meter("m"), collect=reader.get_metrics_data)
    provider.shutdown()


def metrics_of(data):
    return {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}


def test_metrics_without_secrets_are_the_same_object(redactor, meters):
    meters.meter.create_counter("c").add(1, {"a": "b"})
    data = meters.collect()

    assert MetricRedactor(redactor)(data) is data


def test_points_that_become_equal_are_merged(redactor, meters):
    counter, histogram = meters.meter.create_counter("c"), meters.meter.create_histogram("h")
    gauge, exponential = meters.meter.create_gauge("g"), meters.meter.create_histogram("exponential")
    for number in (1, 2, 3):
        attributes = {"who": f"u{number}@example.com"}
        counter.add(number, attributes)
        histogram.record(number * 10, attributes)
        gauge.set(number, attributes)
        exponential.record(number, attributes)
    counter.add(7, {"who": "nobody"})

    metrics = metrics_of(MetricRedactor(redactor)(meters.collect()))

    assert [(dict(p.attributes), p.value) for p in metrics["c"].data.data_points] == [
        ({"who": REDACTED}, 6),
        ({"who": "nobody"}, 7),
    ]
    (point,) = metrics["h"].data.data_points
    assert (point.count, point.sum, point.min, point.max, sum(point.bucket_counts)) == (3, 60, 10, 30, 3)
    (point,) = metrics["g"].data.data_points
    assert point.value == 3
    # Nobody can add these without their buckets' scales, so they stay apart.
    assert len(metrics["exponential"].data.data_points) == 3
    assert metrics["c"].data.is_monotonic


def test_histograms_with_other_bounds_stay_apart(redactor):
    points = [
        HistogramDataPoint({"who": f"u{n}@example.com"}, None, 5 + n, 1, 2, [1, 0], [float(n)], None, None)
        for n in (1, 2)
    ]
    data = Histogram([*points, points[0]], AggregationTemporality.DELTA)

    merged = merge_points(data, [replace(point, attributes={"who": REDACTED}) for point in data.data_points])

    assert [(list(point.explicit_bounds), point.count, point.min) for point in merged] == [
        ([1.0], 1, None),
        ([2.0], 1, None),
        ([1.0], 1, None),
    ]


def test_texts_of_a_metric_are_redacted(redactor, meters):
    meters.meter.create_counter("c", unit="1", description=f"by {EMAIL}").add(1)

    (metric,) = metrics_of(MetricRedactor(redactor)(meters.collect())).values()

    assert (metric.description, metric.unit) == (f"by {REDACTED}", "1")

"""The bytes of our own encoder are those of OpenTelemetry's, for everything that it can encode; and better for the rest."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
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
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from distrokit_otlp.wire.logs import LogWriter
from distrokit_otlp.wire.metrics import MetricWriter
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.spans import SpanWriter

MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
KEY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
INT64 = st.integers(-(2**63), 2**63 - 1)
SCALAR = st.one_of(TEXT, st.booleans(), INT64, st.integers(-3, 300), st.floats(), st.binary(max_size=6))
VALUE = st.recursive(
    st.one_of(SCALAR, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.dictionaries(KEY, inner, max_size=3)),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(KEY, VALUE, max_size=5)
NANOS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 3))
TRACE_ID, SPAN_ID = st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1)
DROPPED = st.one_of(st.just(0), st.integers(0, 2**32 - 1))


def bounded(attributes, dropped=0):
    """As the SDK keeps them, but for values that it would clean."""
    kept = BoundedAttributes(immutable=False)
    kept._dict.update(attributes)
    kept.dropped = dropped
    return kept


RESOURCES = st.builds(
    lambda attributes, url: (
        Resource._create(attributes, url) if hasattr(Resource, "_create") else Resource(attributes, url)
    ),
    st.dictionaries(KEY, SCALAR, max_size=3),
    TEXT,
)
SCOPES = st.builds(
    InstrumentationScope,
    TEXT,
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), TEXT),
    st.dictionaries(KEY, SCALAR, max_size=2),
)
STATES = st.builds(
    TraceState, st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)), max_size=3, unique_by=lambda pair: pair[0])
)  # fmt: skip
CONTEXTS = st.builds(
    lambda trace, span, remote, state: SpanContext(trace, span, remote, TraceFlags(1), state),
    TRACE_ID, SPAN_ID, st.booleans(), STATES,
)  # fmt: skip
EVENTS = st.builds(
    lambda name, attributes, at, dropped: Event(name, bounded(attributes, dropped), at),
    TEXT,
    ATTRIBUTES,
    NANOS,
    DROPPED,
)
LINKS = st.builds(
    lambda context, attributes, dropped: Link(context, bounded(attributes, dropped)), CONTEXTS, ATTRIBUTES, DROPPED
)
STATUSES = st.builds(
    lambda code, text: Status(code, text if code is StatusCode.ERROR else None), st.sampled_from(list(StatusCode)),
    st.one_of(st.none(), TEXT),
)  # fmt: skip


class Dropping(list):
    """As the SDK's bounded list."""

    dropped = 0


def listed(items, dropped):
    found = Dropping(items)
    found.dropped = dropped
    return found


SPANS = st.builds(
    lambda name, context, parent, resource, scope, attributes, events, links, kind, status, times, dropped: ReadableSpan(
        name=name, context=context, parent=parent, resource=resource, attributes=bounded(attributes, dropped[0]),
        events=listed(events, dropped[1]), links=listed(links, dropped[2]), kind=kind, status=status,
        start_time=times[0], end_time=times[1], instrumentation_scope=scope,
    ),
    TEXT, CONTEXTS, st.one_of(st.none(), CONTEXTS), RESOURCES, st.one_of(st.none(), SCOPES), ATTRIBUTES,
    st.lists(EVENTS, max_size=2), st.lists(LINKS, max_size=2), st.sampled_from(list(SpanKind)), STATUSES,
    st.tuples(st.one_of(st.none(), NANOS), st.one_of(st.none(), NANOS)), st.tuples(DROPPED, DROPPED, DROPPED),
)  # fmt: skip

#: One writer for all examples, so that its caches are full of other examples' values.
WRITE_SPANS, WRITE_LOGS, WRITE_METRICS = SpanWriter(Repairs()), LogWriter(Repairs()), MetricWriter(Repairs())


@MANY
@given(st.lists(SPANS, max_size=4), st.integers(0, 3))
def test_spans(spans, again):
    spans += spans[:again]
    assert WRITE_SPANS(spans) == encode_spans(spans).SerializeToString()
    assert WRITE_SPANS._repairs.counts == {}


RECORDS = st.builds(
    lambda record, resource, scope, dropped: ReadableLogRecord(
        log_record=record, resource=resource, instrumentation_scope=scope
    ),
    st.builds(
        lambda times, ids, flags, text, number, body, attributes, event: LogRecord(
            timestamp=times[0], observed_timestamp=times[1], severity_text=text, severity_number=number, body=body,
            attributes=bounded(attributes), event_name=event,
        ) if ids is None else _traced(times, ids, flags, text, number, body, attributes, event),
        st.tuples(NANOS, NANOS), st.one_of(st.none(), st.tuples(TRACE_ID, SPAN_ID)), st.sampled_from([0, 1, 255]),
        st.one_of(st.none(), TEXT), st.one_of(st.none(), st.sampled_from(list(SeverityNumber))), VALUE, ATTRIBUTES,
        st.one_of(st.none(), TEXT),
    ),
    RESOURCES, st.one_of(st.none(), SCOPES), DROPPED,
)  # fmt: skip


def _traced(times, ids, flags, text, number, body, attributes, event):
    record = LogRecord(
        timestamp=times[0], observed_timestamp=times[1], severity_text=text, severity_number=number, body=body,
        attributes=bounded(attributes), event_name=event,
    )  # fmt: skip
    record.trace_id, record.span_id, record.trace_flags = ids[0], ids[1], TraceFlags(flags)
    return record


@MANY
@given(st.lists(RECORDS, max_size=4))
def test_log_records(records):
    assert WRITE_LOGS(records) == encode_logs(records).SerializeToString()
    assert WRITE_LOGS._repairs.counts == {}


NUMBER = st.one_of(INT64, st.floats())
EXEMPLARS = st.lists(
    st.builds(
        Exemplar, ATTRIBUTES, NUMBER, NANOS, st.one_of(st.none(), SPAN_ID), st.one_of(st.none(), TRACE_ID)
    ),
    max_size=2,
)  # fmt: skip
COUNT = st.integers(0, 2**63)
POINTS = st.builds(NumberDataPoint, ATTRIBUTES, st.one_of(st.none(), NANOS), NANOS, NUMBER, EXEMPLARS)
OPTIONAL = st.one_of(st.none(), st.floats())
HISTOGRAM_POINTS = st.builds(
    HistogramDataPoint, ATTRIBUTES, NANOS, NANOS, COUNT, st.floats(), st.lists(COUNT, max_size=4),
    st.lists(st.floats(), max_size=3), st.floats(), st.floats(), EXEMPLARS,
)  # fmt: skip
BUCKETS = st.builds(Buckets, st.integers(-(2**31), 2**31 - 1), st.lists(COUNT, max_size=4))
EXPONENTIAL_POINTS = st.builds(
    ExponentialHistogramDataPoint, ATTRIBUTES, NANOS, NANOS, COUNT, st.floats(), st.integers(-10, 20), COUNT, BUCKETS,
    BUCKETS, st.sampled_from([0, 1]), st.floats(), st.floats(), EXEMPLARS,
)  # fmt: skip
TEMPORALITY = st.sampled_from(list(AggregationTemporality))
DATA = st.one_of(
    st.builds(Gauge, st.lists(POINTS, max_size=2)),
    st.builds(Sum, st.lists(POINTS, max_size=2), TEMPORALITY, st.booleans()),
    st.builds(Histogram, st.lists(HISTOGRAM_POINTS, max_size=2), TEMPORALITY),
    st.builds(ExponentialHistogram, st.lists(EXPONENTIAL_POINTS, max_size=2), TEMPORALITY),
)
METRICS = st.builds(
    MetricsData,
    st.lists(
        st.builds(
            ResourceMetrics, RESOURCES,
            st.lists(
                st.builds(ScopeMetrics, SCOPES, st.lists(st.builds(Metric, TEXT, TEXT, TEXT, DATA), max_size=2), TEXT),
                max_size=2,
            ),
            TEXT,
        ),
        max_size=2,
    ),
)  # fmt: skip


@MANY
@given(METRICS)
def test_metrics(data):
    assert WRITE_METRICS(data) == encode_metrics(data).SerializeToString()
    assert WRITE_METRICS._repairs.counts == {}


# ------------------------------------------------------------------- what upstream cannot encode


def span(**changes):
    """A span that says nothing, with changes."""
    fields = {
        "name": "n", "context": SpanContext(1, 2, False), "parent": None, "resource": Resource({}), "attributes": bounded({}),
        "events": listed([], 0), "links": listed([], 0), "kind": SpanKind.INTERNAL, "status": Status(),
        "start_time": 1, "end_time": 2, "instrumentation_scope": InstrumentationScope("s"),
    }  # fmt: skip
    return ReadableSpan(**{**fields, **changes})


def sent(item):
    """The one span, as a receiver reads it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    repairs = Repairs()
    request = ExportTraceServiceRequest.FromString(SpanWriter(repairs)([item]))
    return request.resource_spans[0].scope_spans[0], repairs.counts


class Odd:
    def __str__(self):
        return "odd"


CYCLIC: list = []
CYCLIC.append(CYCLIC)


class Broken:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "field", "wanted"),
    [
        ("a\ud800b", "string_value", "a\\ud800b"),
        (2**63, "string_value", str(2**63)),
        (-(2**70), "string_value", str(-(2**70))),
        pytest.param(10**5000, "string_value", hex(10**5000), id="huge"),
        (Odd(), "string_value", "odd"),
        (Broken(), "string_value", "<Broken>"),
        ({1, 2}, "string_value", "{1, 2}"),
        (CYCLIC, "string_value", "[[...]]"),
    ],
)
def test_values_are_repaired(value, field, wanted):
    scope, counts = sent(span(attributes=bounded({"bad": value, "good": 1})))
    pairs = {pair.key: pair.value for pair in scope.spans[0].attributes}
    assert getattr(pairs["bad"], field) == wanted
    assert pairs["good"].int_value == 1
    assert sum(counts.values()) == 1


def test_names_and_times_are_repaired():
    bad = "x\udfff"
    scope, counts = sent(
        span(
            name=bad, start_time=-5, end_time=2**70, status=Status(StatusCode.ERROR, bad),
            attributes=bounded({bad: 1}), events=listed([Event(bad, bounded({}), 1.5)], 0),
            instrumentation_scope=InstrumentationScope(bad, bad),
        )
    )  # fmt: skip
    (found,) = scope.spans
    good = "x\\udfff"
    assert (found.name, found.status.message, found.attributes[0].key, found.events[0].name) == (good,) * 4
    assert (scope.scope.name, scope.scope.version) == (good, good)
    assert (found.start_time_unix_nano, found.end_time_unix_nano, found.events[0].time_unix_nano) == (0, 2**64 - 1, 1)
    assert Counter(counts) == {
        "a text with a lone surrogate, sent with an escape like \\ud800": 6,
        "a time outside of the range, sent as the nearest one in it": 2,
        "a time that is not a whole number, cut": 1,
    }


def test_names_that_are_no_texts():
    assert sent(span(name=None))[0].spans[0].name == ""
    scope, counts = sent(span(name=7))
    assert scope.spans[0].name == "7"
    assert counts == {"not a text, sent as str() shows it": 1}


def test_each_kind_of_repair_is_said_once(caplog):
    repairs = Repairs()
    write = SpanWriter(repairs)
    for number in range(5):
        write([span(attributes=bounded({"secret-key": f"hush{number}\ud800"}))])
    (line,) = caplog.messages
    assert line.startswith("attribute 'secret-key': a text with a lone surrogate")
    assert "hush" not in line


def test_measurements_over_64_bits():
    point = NumberDataPoint({}, 1, 2, 2**70, [])
    huge = NumberDataPoint({}, 1, 2, -(10**400), [])
    data = SimpleNamespace(resource_metrics=[SimpleNamespace(
        resource=Resource({}), scope_metrics=[SimpleNamespace(scope=InstrumentationScope("s"), metrics=[Metric("m", "", "", Gauge([point, huge]))])],
    )])  # fmt: skip
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest.FromString(MetricWriter(Repairs())(data))
    found = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    assert [one.as_double for one in found] == [float(2**70), float("-inf")]


def test_caches_stay_small():
    write = SpanWriter(Repairs())
    for number in range(3000):
        write([span(name=f"n{number}", attributes=bounded({"id": f"v{number}", f"k{number}": "x", "n": number}))])
    attributes = write._attributes
    assert len(attributes._texts) <= 1024
    assert len(attributes._texts.get("id", {})) <= 256
    assert len(attributes._numbers["n"]) <= 256
    assert len(write._names._known) <= 2048
    assert len(write._scopes._resources._known) <= 16
    assert len(write._scopes._scopes._known) <= 1024

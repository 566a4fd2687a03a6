"""Generates items of each signal, with every value that OpenTelemetry's own encoder can encode."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
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
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

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


def listed(items, dropped):
    """As the SDK keeps events and links; of another list no dropped ones are counted."""
    found = BoundedList.from_seq(len(items), items)
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


def span(**changes):
    """A span that says nothing, with changes."""
    fields = {
        "name": "n", "context": SpanContext(1, 2, False), "parent": None, "resource": Resource({}), "attributes": bounded({}),
        "events": listed([], 0), "links": listed([], 0), "kind": SpanKind.INTERNAL, "status": Status(),
        "start_time": 1, "end_time": 2, "instrumentation_scope": InstrumentationScope("s"),
    }  # fmt: skip
    return ReadableSpan(**{**fields, **changes})


RECORDS = st.builds(
    lambda record, resource, scope: ReadableLogRecord(
        log_record=record, resource=resource, instrumentation_scope=scope
    ),
    st.builds(
        lambda times, ids, flags, text, number, body, attributes, dropped, event: LogRecord(
            timestamp=times[0], observed_timestamp=times[1], severity_text=text, severity_number=number, body=body,
            attributes=bounded(attributes, dropped), event_name=event,
        ) if ids is None else _traced(times, ids, flags, text, number, body, attributes, dropped, event),
        st.tuples(NANOS, NANOS), st.one_of(st.none(), st.tuples(TRACE_ID, SPAN_ID)), st.sampled_from([0, 1, 255]),
        st.one_of(st.none(), TEXT), st.one_of(st.none(), st.sampled_from(list(SeverityNumber))), VALUE, ATTRIBUTES,
        DROPPED, st.one_of(st.none(), TEXT),
    ),
    RESOURCES, st.one_of(st.none(), SCOPES),
)  # fmt: skip


def _traced(times, ids, flags, text, number, body, attributes, dropped, event):
    record = LogRecord(
        timestamp=times[0], observed_timestamp=times[1], severity_text=text, severity_number=number, body=body,
        attributes=bounded(attributes, dropped), event_name=event,
    )  # fmt: skip
    record.trace_id, record.span_id, record.trace_flags = ids[0], ids[1], TraceFlags(flags)
    return record


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
    st.lists(st.floats(), max_size=3), OPTIONAL, OPTIONAL, EXEMPLARS,
)  # fmt: skip
BUCKETS = st.builds(Buckets, st.integers(-(2**31), 2**31 - 1), st.lists(COUNT, max_size=4))
EXPONENTIAL_POINTS = st.builds(
    ExponentialHistogramDataPoint, ATTRIBUTES, NANOS, NANOS, COUNT, st.floats(), st.integers(-10, 20), COUNT, BUCKETS,
    BUCKETS, st.sampled_from([0, 1]), OPTIONAL, OPTIONAL, EXEMPLARS,
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

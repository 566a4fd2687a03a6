"""Items that are too large lose the ends of their longest values, say so, and arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LogRecordLimits, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import SpanContext, Status, StatusCode
from processes import instrumented

from distrokit.testing import in_memory
from distrokit_guard import plugin
from distrokit_guard.shrinking.fitting import LEAST, MARK, find_level, fit
from distrokit_guard.shrinking.logs import LogShrinker
from distrokit_guard.shrinking.parts import make_shrinker
from distrokit_guard.shrinking.sizes import measure
from distrokit_guard.shrinking.spans import SpanShrinker
from distrokit_otlp.wire.logs import LogWriter
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.spans import SpanWriter

MANY = 100_000
SHRUNK = {"distrokit.shrunk.bytes", "distrokit.shrunk.values"}


def make_span(attributes=(), name="s", *, events=(), links=(), status=""):
    limits = SpanLimits(max_span_attributes=MANY, max_events=MANY, max_links=MANY, max_event_attributes=MANY)
    span = TracerProvider(span_limits=limits).get_tracer("t").start_span(name, attributes=dict(attributes))
    for event in events:
        span.add_event(*event)
    for link in links:
        span.add_link(SpanContext(1, 2, is_remote=True), link)
    if status:
        span.set_status(Status(StatusCode.ERROR, status))
    span.end()
    return span


def encoded(span) -> int:
    """The bytes of a span in OTLP, without its resource and scope."""
    without = SpanWriter(Repairs())([])
    return len(SpanWriter(Repairs())([span])) - len(without) - 300


SPANS = {
    "a long text": make_span({"prompt": "x" * 11_000_000, "model": "m", "tokens": 17}),
    "long texts of other scripts": make_span({"a": "é" * 30_000, "b": "中" * 30_000, "c": "\U0001f600" * 30_000}),
    "lone surrogates": make_span({"a": "\udc00" * 30_000}),
    "thousands of attributes": make_span({f"key.{n}": "value" for n in range(5000)}),
    "thousands of events": make_span({"a": "b"}, events=[(f"event {n}", {"x": "y" * 20}) for n in range(5000)]),
    "thousands of links": make_span({"a": "b"}, links=[{"x": "y"}] * 5000),
    "a long list": make_span({"a": ["x" * 50] * 5000}),
    "a list of numbers": make_span({"a": list(range(50_000))}),
    "a long name": make_span(name="n" * 500_000),
    "a long status": make_span(status="n" * 500_000),
    "a long key": make_span({"k" * 300_000: "v", "short": "v"}),
    "bytes": make_span({"a": b"\x00" * 500_000}),
    "a long event": make_span(events=[("exception", {"exception.stacktrace": "f\n" * 300_000}), ("n" * 70_000,)]),
    "everything": make_span({"a": "x" * 50_000}, "n" * 3000, events=[("e", {"b": "y" * 90_000})] * 3, links=[{"c": "z" * 9000}]),
}  # fmt: skip


@pytest.mark.parametrize("limit", [1024, 4096, 65_536])
@pytest.mark.parametrize("case", SPANS)
def test_a_span_that_is_too_large_is_within_the_limit_and_says_so(case, limit):
    span, shrink = SPANS[case], SpanShrinker(limit)

    shrunk = shrink(span)

    assert encoded(shrunk) <= limit
    assert set(shrunk.attributes) >= SHRUNK
    assert shrunk.attributes["distrokit.shrunk.bytes"] > 0
    assert (shrunk.context, shrunk.start_time, shrunk.end_time) == (span.context, span.start_time, span.end_time)
    assert len(shrunk.attributes) - 2 + shrunk.dropped_attributes == len(span.attributes)
    assert len(shrunk.events) + shrunk.dropped_events == len(span.events)
    assert len(shrunk.links) + shrunk.dropped_links == len(span.links)
    assert shrink(shrunk) is shrunk


def test_the_longest_values_are_cut_first():
    span = make_span({"longest": "a" * 50_000, "long": "b" * 20_000, "short": "c" * 1000, "number": 7})

    shrunk = SpanShrinker(30_000)(span).attributes

    assert shrunk["short"] == "c" * 1000
    assert shrunk["number"] == 7
    assert shrunk["longest"].endswith(MARK)
    assert shrunk["long"].endswith(MARK)
    assert abs(len(shrunk["longest"]) - len(shrunk["long"])) <= 1
    assert shrunk["distrokit.shrunk.values"] == ("longest", "long")
    assert 30_000 < shrunk["distrokit.shrunk.bytes"] < 45_000


def test_the_room_is_used():
    shrunk = SpanShrinker(10_000)(make_span({"a": "x" * 50_000}))

    assert len(shrunk.attributes["a"]) > 9000


def test_the_newest_events_stay():
    shrunk = SpanShrinker(4096)(make_span(events=[(f"event {n}",) for n in range(500)]))

    assert shrunk.events[-1].name == "event 499"
    assert shrunk.dropped_events == 500 - len(shrunk.events)


@pytest.mark.parametrize(
    "span",
    [
        make_span({"a": "b"}, events=[("e", {"c": 1})], links=[{"d": 2.5}], status="it failed"),
        make_span({"a": "x" * 900, "b": [1, 2], "c": None}),
        make_span({}),
    ],
)
def test_a_span_within_the_limit_is_the_same_object(span):
    assert SpanShrinker(2048)(span) is span


def test_a_span_with_names_that_are_no_texts_is_shrunk():
    span = make_span({"a": "x" * 9000}, None, events=[(None, {"b": "y" * 9000})], links=[{"c": 1}])
    small = make_span({"a": "b"}, None, events=[(7,)])
    shrink = SpanShrinker(2048)

    shrunk = shrink(span)

    assert (shrunk.name, shrunk.events[0].name, len(shrunk.links)) == (None, None, 1)
    assert shrunk.attributes["a"].endswith(MARK)
    assert shrunk.events[0].attributes["b"].endswith(MARK)
    assert shrink(small) is small


def test_an_event_keeps_its_name_beside_an_attribute_of_that_name():
    shrunk = SpanShrinker(2048)(make_span({"a": "x" * 9000}, events=[("retry", {"name": "bob"})]))

    (event,) = shrunk.events
    assert (event.name, dict(event.attributes)) == ("retry", {"name": "bob"})


# ---------------------------------------------------------------------------------------- log records


def make_record(body, attributes=None):
    limits = LogRecordLimits(max_attributes=MANY)
    return ReadWriteLogRecord(LogRecord(body=body, attributes=attributes), Resource({}), None, limits)


def cyclic():
    value = {}
    value["again"] = value
    value["text"] = "x" * 10_000
    return value


BODIES = {
    "a long text": "x" * 3_000_000,
    "a mapping": {"prompt": "x" * 3_000_000, "user": "bob"},
    "many entries": {f"k{n}": n for n in range(50_000)},
    "a list": ["x" * 30] * 50_000,
    "nested": [[[{"a": ["y" * 300_000, "z"]}]]],
    "bytes": b"\x00" * 300_000,
    "an object": 17,
    "itself": cyclic(),
}


@pytest.mark.parametrize("limit", [1024, 65_536])
@pytest.mark.parametrize("case", BODIES)
def test_a_log_record_that_is_too_large_is_within_the_limit(case, limit):
    record = make_record(BODIES[case], {"long": "y" * 200_000, "a": 1})
    record.log_record.severity_text = "INFO"

    assert LogShrinker(limit)(record) is record

    if case != "itself":
        assert len(LogWriter(Repairs())([record])) - 60 <= limit
    assert measure(record.log_record.body, 1 << 30) <= limit
    attributes = dict(record.log_record.attributes)
    assert attributes["distrokit.shrunk.bytes"] > 0
    assert attributes["a"] == 1
    assert record.log_record.severity_text == "INFO"
    body = record.log_record.body
    LogShrinker(limit)(record)
    assert record.log_record.body is body


def test_a_log_record_with_names_that_are_no_texts_is_shrunk():
    record = make_record("x" * 9000)
    record.log_record.event_name = 7
    record.log_record.severity_text = 5

    LogShrinker(2048)(record)

    assert record.log_record.body.endswith(MARK)
    assert (record.log_record.event_name, record.log_record.severity_text) == (7, 5)


def test_short_entries_of_a_body_stay_whole():
    record = make_record({"prompt": "x" * 100_000, "user": "bob", "n": 7})

    LogShrinker(4096)(record)

    body = record.log_record.body
    assert (body["user"], body["n"]) == ("bob", 7)
    assert body["prompt"].startswith("xxx")
    assert body["prompt"].endswith(MARK)


def test_a_log_record_within_the_limit_stays_as_it_is():
    body, attributes = {"a": "b"}, {"c": "d"}
    record = make_record(body, attributes)
    before = record.log_record.attributes

    LogShrinker(1024)(record)

    assert record.log_record.body is body
    assert record.log_record.attributes is before
    assert dict(before) == attributes


# ---------------------------------------------------------------------------------------- values


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200) | st.binary(max_size=200),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=20), inner, max_size=20),
)


@given(value=VALUES, room=st.integers(LEAST, 500))
def test_a_value_fits_into_its_room(value, room):
    fitted = fit(value, room)

    assert measure(fitted, 1 << 30) <= max(room, LEAST)
    assert fit(fitted, room) is fitted
    if measure(value, 1 << 30) <= room:
        assert fitted is value


@given(sizes=st.lists(st.integers(0, 1000), max_size=30), room=st.integers(0, 5000))
def test_the_level_fills_the_room(sizes, room):
    level = find_level(sizes, room)

    assert sum(min(size, level) for size in sizes) <= room or level == 0
    assert sum(sizes) <= room or sum(min(size, level + 1) for size in sizes) > room


# ---------------------------------------------------------------------------------------- pipeline


def test_a_limit_is_needed_and_named():
    with pytest.raises(ValueError, match="set DISTROKIT_GUARD_MAX_ITEM_BYTES"):
        make_shrinker("traces", 0)


@pytest.mark.parametrize("text", ["many", "5"])
def test_a_limit_that_is_no_number_shrinks_nothing_and_is_named(text):
    with in_memory({"guard": plugin}, {"DISTROKIT_GUARD_MAX_ITEM_BYTES": text}) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("s", attributes={"a": "x" * 9000}).end()
        (span,) = telemetry.spans()

    assert len(span.attributes["a"]) == 9000
    assert [problem.code for problem in telemetry.problems] == ["setting-invalid"]


def test_it_runs_behind_redaction():
    environ = {"DISTROKIT_GUARD_MAX_ITEM_BYTES": "2048", "DISTROKIT_GUARD_REDACT": "cards"}
    with in_memory({"guard": plugin}, environ) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        tracer.start_span("s", attributes={"a": "4111 1111 1111 1111 " * 3000}).end()
        telemetry.logger_provider.get_logger("l").emit(LogRecord(body="4111111111111111 " * 3000))
        (span,) = telemetry.spans()
        (log,) = telemetry.logs()

    assert telemetry.problems == []
    for text, attributes in ((span.attributes["a"], span.attributes), (log.body, log.attributes)):
        assert text.startswith("[redacted:cards] [redacted:cards]")
        assert "411111" not in text.replace(" ", "")
        assert attributes["distrokit.shrunk.bytes"] > 0


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_span_of_11_mb_arrives(receiver, protocol):
    program = """
        from opentelemetry import trace

        span = trace.get_tracer("t").start_span("ask", attributes={"gen_ai.prompt": "word " * 2_200_000, "model": "m"})
        span.end()
    """
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol),
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "DISTROKIT_GUARD_MAX_ITEM_BYTES": "1000000",
    }

    ran = instrumented(program, environ)

    assert (ran.returncode, ran.stderr) == (0, "")
    request = receiver.store.take(5)
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert span.name == "ask"
    assert 900_000 < len(span.SerializeToString()) <= 1_000_000

"""Spans of ours compared with the SDK's own: the same calls, with the same ids and times, give the same spans."""

from __future__ import annotations

import asyncio
import copy
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_values import Shown, Unprintable
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, Tracer
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from processes import QUIET, instrumented
from recorded import make, messages, play, read

from distrokit.pipeline.recording import layout
from distrokit.pipeline.recording.parts import FinishedSpan
from distrokit.pipeline.recording.span import RecordingSpan


class Adding(Sampler):
    """Decides by name, adds an attribute and sets the trace state."""

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        decision = (Decision.RECORD_AND_SAMPLE, Decision.RECORD_ONLY, Decision.DROP)[len(str(name)) % 3]
        return SamplingResult(decision, {**(attributes or {}), "sampled.by": "me"}, TraceState([("me", "1")]))

    def get_description(self) -> str:
        return "Adding"


KEYS = st.sampled_from(["a", "b", "c", "d", "e", "", "k" * 20]) | st.sampled_from([None, 1, Shown()])
PLAIN = st.text(max_size=12) | st.booleans() | st.integers() | st.floats(allow_nan=False)
VALUES = (
    PLAIN
    | st.none()
    | st.binary(max_size=3)
    | st.lists(PLAIN | st.none(), max_size=3)
    | st.tuples(st.text(max_size=3))
    | st.dictionaries(st.text(max_size=2), PLAIN, max_size=2)
    | st.sampled_from([Shown(), object, SpanKind.SERVER])
)
ATTRIBUTES = (
    st.none()
    | st.dictionaries(st.sampled_from("abcdefghij"), PLAIN, max_size=8)
    | st.dictionaries(KEYS, VALUES, max_size=4)
)
TIMES = st.none() | st.integers(1, 1 << 60)
CONTEXTS = st.builds(
    SpanContext, st.integers(0, 3), st.integers(0, 3), st.booleans(), st.sampled_from([TraceFlags(n) for n in range(4)]),
    st.sampled_from([TraceState(), TraceState([("v", "x")])]),
)  # fmt: skip
LINKS = st.none() | st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=3)
STATUSES = st.builds(lambda code, text: (Status(code, text),), st.sampled_from(StatusCode), st.just(None)) | st.tuples(
    st.sampled_from(StatusCode), st.none() | st.text(max_size=3)
)
OPERATIONS = st.lists(
    st.tuples(st.just("set_attribute"), st.tuples(KEYS, VALUES))
    | st.tuples(st.just("set_attribute"), st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), PLAIN))
    | st.tuples(st.just("set_attributes"), st.tuples(ATTRIBUTES.filter(lambda one: one is not None)))
    | st.tuples(st.just("add_event"), st.tuples(st.text(max_size=3), ATTRIBUTES, st.integers(1, 99)))
    | st.tuples(st.just("add_link"), st.tuples(CONTEXTS, ATTRIBUTES))
    | st.tuples(st.just("set_status"), STATUSES)
    | st.tuples(st.just("update_name"), st.tuples(st.text(max_size=3)))
    | st.tuples(st.just("record_exception"), st.tuples(st.just(ValueError("x")), ATTRIBUTES, st.integers(1, 99)))
    | st.tuples(st.just("read"), st.just(()))
    | st.tuples(st.just("end"), st.tuples(st.integers(1, 1 << 60))),
    max_size=12,
)
STARTS = st.fixed_dictionaries(
    {"name": st.text(max_size=4), "start_time": st.integers(1, 1 << 60)},
    optional={
        "attributes": ATTRIBUTES,
        "kind": st.sampled_from(SpanKind),
        "links": LINKS,
        "record_exception": st.booleans(),
        "set_status_on_exception": st.booleans(),
        "parent": CONTEXTS,
    },
)
LIMITS = st.fixed_dictionaries(
    {}, optional={"max_span_attributes": st.sampled_from([0, 2, 17, 18, 40]), "max_events": st.sampled_from([0, 1]),
                  "max_links": st.sampled_from([0, 1]), "max_attribute_length": st.sampled_from([0, 3]),
                  "max_event_attributes": st.just(1)}
)  # fmt: skip
SAMPLERS = st.sampled_from(
    [DEFAULT_ON, ALWAYS_ON, ALWAYS_OFF, ParentBased(ALWAYS_ON), TraceIdRatioBased(0.5), Adding()]
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(LIMITS, SAMPLERS, st.booleans(), st.booleans(), STARTS, OPERATIONS)
def test_the_same_calls_give_the_same_span(limits, sampler, random, reads, start, operations):
    by_sdk, seen_of_sdk = make(limits, sampler, random, reads, ours=False)
    by_us, seen_of_ours = make(limits, sampler, random, reads, ours=True)

    with messages() as logged_by_sdk:
        try:
            expected = play(by_sdk, start, operations)
        except Exception:
            # The SDK raises into the application; what we do then has tests of its own.
            return
    with messages() as logged_by_us:
        found = play(by_us, start, operations)

    assert found == expected
    assert logged_by_us == logged_by_sdk
    assert [call[:3] for call in seen_of_ours.calls] == [call[:3] for call in seen_of_sdk.calls]
    assert [read(span) for span in seen_of_ours.ended] == [read(span) for span in seen_of_sdk.ended]


def test_a_span_of_ours_is_recorded_and_the_comparison_compares_two_kinds():
    by_us, seen = make(ours=True)

    span = by_us.start_span("s")
    span.end()

    assert type(span) is RecordingSpan
    assert type(seen.ended[0]) is FinishedSpan
    assert (type(span).__name__, type(seen.ended[0]).__name__) == ("_Span", "ReadableSpan")
    assert not isinstance(seen.ended[0], Span)
    assert isinstance(span, Span)
    assert isinstance(span, ReadableSpan)
    assert isinstance(span, trace.Span)


def in_block(tracer: Any) -> None:
    with tracer.start_as_current_span("outer", attributes={"k": 1}) as outer:
        assert trace.get_current_span() is outer
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT):
            pass
        assert trace.get_current_span() is outer
    assert not trace.get_current_span().is_recording()


def with_error(tracer: Any) -> None:
    with pytest.raises(KeyError), tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        raise KeyError("gone")


def with_error_not_recorded(tracer: Any) -> None:
    with pytest.raises(KeyError), tracer.start_as_current_span("s", record_exception=False):
        raise KeyError("gone")
    with pytest.raises(KeyError), tracer.start_as_current_span("s", set_status_on_exception=False):
        raise KeyError("gone")


def with_exit(tracer: Any) -> None:
    with pytest.raises(SystemExit), tracer.start_as_current_span("s"):
        raise SystemExit


def not_ended(tracer: Any) -> None:
    with tracer.start_as_current_span("s", end_on_exit=False) as span:
        pass
    span.set_attribute("late", 1)
    span.end()


def decorated(tracer: Any) -> None:
    @tracer.start_as_current_span("s")
    def call(first: int, *, second: int) -> int:
        """A docstring."""
        assert trace.get_current_span().is_recording()
        return first + second

    assert (call(1, second=2), call(3, second=4), call.__doc__) == (3, 7, "A docstring.")


def decorated_coroutine(tracer: Any) -> None:
    @tracer.start_as_current_span("s")
    async def call(first: int) -> int:
        await asyncio.sleep(0.01)
        trace.get_current_span().set_attribute("slept", True)
        return first

    async def main() -> list[int]:
        return await asyncio.gather(call(1), call(2))

    assert asyncio.run(main()) == [1, 2]


def as_own_block(tracer: Any) -> None:
    with pytest.raises(KeyError), tracer.start_span("s", record_exception=False):
        raise KeyError("gone")
    with pytest.raises(KeyError), tracer.start_span("s"):
        raise KeyError("gone")


def end_and_return(error: Exception) -> Exception:
    trace.get_current_span().end()
    return error


def ended_in_block(tracer: Any) -> None:
    with pytest.raises(KeyError), tracer.start_as_current_span("s"):
        raise end_and_return(KeyError("gone"))


@pytest.mark.parametrize("work", [
    in_block, with_error, with_error_not_recorded, with_exit, not_ended, decorated, decorated_coroutine, as_own_block,
    ended_in_block,
])  # fmt: skip
def test_the_current_span_is_the_same(work):
    def shape(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        with messages() as logged:
            work(tracer)
        found = []
        for span in seen.ended:
            whole = read(span)
            # Without times, and without the SDK's own frames in a stack trace.
            events = [
                (
                    e.name,
                    [(k, v.splitlines()[-1] if k == "exception.stacktrace" else v) for k, v in e.attributes.items()],
                )
                for e in span.events
            ]
            found.append((whole["rest"][:4], whole["parent"], whole["context"], whole["attributes"], events))
        return found, logged

    assert shape(ours=True) == shape(ours=False)


def test_a_stack_trace_has_the_frames_of_the_application_only():
    tracer, seen = make(ours=True)

    with_error(tracer)

    texts = [span.events[0].attributes["exception.stacktrace"] for span in seen.ended]
    assert [(text.count("  File "), "with_error" in text) for text in texts] == [(1, True)] * 2


def test_no_call_raises_into_the_application():
    reported: list[str] = []
    tracer, seen = make(ours=True, misused=lambda what, *_: reported.append(what))

    for start in (
        lambda: tracer.start_span("s", attributes={"k": Unprintable()}),
        lambda: tracer.start_span("s", links=[object()]),
        lambda: tracer.start_span("s", unknown=1),
        tracer.start_span,
        lambda: tracer.start_span("s", attributes=5),
    ):
        start().end()
    span = tracer.start_span("s")
    span.set_attribute("k", Unprintable())
    span.set_attribute(("a", "tuple"), 1)
    span.set_attributes(5)
    span.add_event("e", {"k": Unprintable()})
    span.record_exception(ValueError(Unprintable()))
    span.add_link("no context")
    span.set_status(5, 6, 7)
    span.update_name()
    span.set_attribute("after", "it all")
    span.end("no time", "and more")
    span.end()

    assert len(seen.ended) == 6
    assert seen.ended[-1].attributes["after"] == "it all"
    # Which values the SDK refuses by raising depends on its release.
    assert {"tracer.start_span", "span.set_attributes", "span.set_status", "span.end"} <= set(reported)


def test_a_processor_that_raises_costs_neither_the_span_nor_the_application():
    reported: list[str] = []
    tracer, seen = make(ours=True, misused=lambda what, *_: reported.append(what))

    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            raise RuntimeError("broken")

        def on_end(self, span):
            raise RuntimeError("broken")

    tracer.span_processor.add_span_processor(Broken())
    tracer.start_span("s").end()

    assert (len(seen.ended), reported) == (1, ["tracer.start_span", "span.end"])


def test_a_copy_of_an_ended_span_is_the_sdks():
    tracer, seen = make(ours=True)
    span = tracer.start_span("s", attributes={"k": 1})
    span.add_event("e")
    span.end()

    for one in (span, seen.ended[0]):
        copied = copy.deepcopy(one)
        assert not isinstance(copied, Span)
        assert read(copied) == {**read(span), "repr": ""}
        assert copy.copy(one).attributes == span.attributes


def test_a_span_ends_once_however_many_threads_end_it():
    tracer, seen = make(ours=True)
    for _ in range(200):
        span, go = tracer.start_span("s"), threading.Barrier(4)
        threads = [threading.Thread(target=lambda: (go.wait(), span.end())) for _ in range(4)]  # noqa: B023
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(seen.ended) == 200


def test_attributes_of_an_ended_span_never_change():
    tracer, seen = make(ours=True)
    stop = threading.Event()
    spans = [tracer.start_span("s")]

    def add() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            spans[-1].set_attribute(f"k{number % 90}", number)

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    with messages():
        for _ in range(300):
            span = spans[-1]
            spans.append(tracer.start_span("s"))
            span.end()
            first = dict(seen.ended[-1].attributes)
            for key, value in seen.ended[-1].attributes.items():
                assert first[key] == value
    stop.set()
    for thread in threads:
        thread.join()

    assert any(span.attributes for span in seen.ended)


def test_a_release_with_other_names_is_left_to_the_sdk(monkeypatch):
    monkeypatch.setattr(layout, "SPAN", layout.SPAN | {"_new_in_some_release"})

    tracer, seen = make(ours=True)
    span = tracer.start_span("s")
    span.end()

    assert not isinstance(span, RecordingSpan)
    assert len(seen.ended) == 1


@pytest.mark.parametrize(
    ("kind", "name"), [(Span, "__init__"), (Span, "start"), (Tracer, "start_span"), (ReadableSpan, "__init__")]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_patched_class_makes_the_spans_itself(monkeypatch, kind, name, when):
    called = []
    original = getattr(kind, name)

    def patched(self, *args, **kwargs):
        called.append(name)
        return original(self, *args, **kwargs)

    if when == "before":
        monkeypatch.setattr(kind, name, patched)
    tracer, seen = make(ours=True)
    monkeypatch.setattr(kind, name, patched)
    with tracer.start_as_current_span("s"):
        pass

    assert called
    assert len(seen.ended) == 1


@pytest.mark.parametrize(("tracer", "ours"), [("distrokit", True), ("sdk", False), ("", True)])
def test_the_setting_decides_who_records(tracer, ours):
    program = """
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("s") as span:
            print("RecordingSpan" in str(type(span).set_attribute), type(span).__name__)
    """
    result = instrumented(program, {**QUIET, "OTEL_TRACES_EXPORTER": "console", "DISTROKIT_TRACER": tracer})

    assert result.stdout.splitlines()[0] == f"{ours} _Span", result.stderr

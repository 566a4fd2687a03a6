"""What is asked of spans of ours at bad moments, by patches, and beside the documented ways."""
# ruff: noqa: PLW0108  (the signatures of the patches are what they show)

from __future__ import annotations

import copy
import gc
import linecache
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import opentelemetry.trace
import pytest
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, Tracer
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import INVALID_SPAN, Link, SpanContext, TraceFlags, get_current_span
from recorded import make, messages, play, read

#: Of the SDK and of ours.
BOTH = (False, True)


def same(work: Any) -> Any:
    """What ``work`` gives with the SDK's spans and with ours, which is the same."""
    by_sdk, by_us = (work(ours) for ours in BOTH)
    assert by_us == by_sdk
    return by_us


REMOTE = SpanContext(5, 6, True, TraceFlags(0))
LOCAL = SpanContext(5, 6, False, TraceFlags(1))


@pytest.mark.parametrize(
    ("limits", "start", "operations"),
    [
        ({}, {"attributes": {"a": 1, "b": 2}}, [("set_attribute", ("a", 3))]),
        ({}, {"attributes": {"a": 1, "b": 2}}, [("set_attributes", ({"a": 3, "c": 4},))]),
        ({}, {"attributes": {"": 1, "b": 2}}, [("set_attributes", ({"": 3, "c": 4},)), ("set_attribute", ("", 1))]),
        ({"max_attribute_length": 3}, {"attributes": {"a": "long text"}}, []),
        ({"max_attribute_length": 3}, {}, [("set_attribute", ("a", "long text"))]),
        ({"max_attribute_length": 3}, {}, [("set_attributes", ({"a": "long text", "b": "ok"},))]),
        ({"max_attribute_length": 3}, {}, [("add_event", ("e", {"a": "long text"}, 1))]),
        ({"max_span_attributes": 3}, {"attributes": dict.fromkeys("abcd", 1)}, []),
        ({"max_span_attributes": 3}, {}, [("set_attribute", (key, 1)) for key in "abcde"]),
        ({"max_span_attributes": 3}, {"attributes": {"a": 1}}, [("set_attributes", (dict.fromkeys("bcde", 2),))]),
        ({"max_span_attributes": 20}, {}, [("set_attribute", (key, 1)) for key in "abcdefghijklmnopqrstuvwxyz"]),
        ({"max_event_attributes": 1}, {}, [("add_event", ("e", {"a": 1, "b": 2}, 1))]),
        ({"max_events": 1}, {}, [("add_event", (name, None, 1)) for name in "ef"]),
        ({"max_links": 1}, {"links": [Link(LOCAL), Link(REMOTE, {"k": "v"})]}, [("add_link", (LOCAL, {"a": 1}))]),
        ({}, {}, [("end", (5,)), ("set_attribute", ("a", 1)), ("add_event", ("e", {}, 1)), ("update_name", ("n",))]),
        ({}, {}, [("read", ()), ("set_attribute", ("a", 1)), ("read", ()), ("set_attributes", ({"b": 1},))]),
        ({}, {"parent": REMOTE}, []),
        ({}, {"parent": LOCAL}, []),
    ],
)
def test_by_hand(limits, start, operations):
    def work(ours: bool) -> Any:
        tracer, seen = make(limits, ours=ours)
        with messages() as logged:
            found = play(tracer, {"name": "s", "start_time": 1, **start}, operations)
        return found, logged, [read(span) for span in seen.ended]

    same(work)


class Named(Sampler):
    """Decides what its answer is."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def should_sample(self, *args, **kwargs):
        return SamplingResult(self.answer)

    def get_description(self) -> str:
        return "Named"


class Own:
    """A decision of somebody's own."""

    def is_sampled(self) -> bool:
        return True

    def is_recording(self) -> bool:
        return True


@pytest.mark.parametrize("answer", [Own(), None, 2, True, "RECORD_AND_SAMPLE"])
def test_a_decision_that_is_none_is_left_to_the_sdk(answer):
    reported: list[str] = []
    tracer, seen = make(sampler=Named(answer), ours=True, misused=lambda what, *_: reported.append(what))

    span = tracer.start_span("s")
    span.end()

    if isinstance(answer, Own):
        assert (span.get_span_context().trace_flags.sampled, len(seen.ended), reported) == (True, 1, [])
    else:
        assert (span.is_recording(), seen.ended, set(reported)) == (False, [], {"tracer.start_span"})


@pytest.mark.parametrize("decision", list(Decision))
def test_the_sdk_counts_the_spans_where_its_metrics_are_enabled(monkeypatch, decision):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")

    def work(ours: bool) -> Any:
        reader = InMemoryMetricReader()
        tracer, _ = make(sampler=Named(decision), ours=ours, meter_provider=MeterProvider([reader]))
        with tracer.start_as_current_span("outer"):
            tracer.start_span("open")
        points = (
            (metric.name, sorted(point.attributes.items()), point.value)
            for scope in reader.get_metrics_data().resource_metrics[0].scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        )
        return sorted(points)

    assert same(work)


# ------------------------------------------------------------------------------------ at bad moments


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_exception_that_cannot_be_shown_ends_its_span_and_goes_on():
    tracer, seen = make(ours=True, misused=lambda *_: None)

    with pytest.raises(UnspeakableError), tracer.start_as_current_span("s"):
        raise UnspeakableError

    (span,) = seen.ended
    assert span.status.description == "UnspeakableError"
    assert get_current_span() is INVALID_SPAN


def test_an_interrupt_while_an_exception_is_recorded_ends_the_span(monkeypatch):
    tracer, seen = make(ours=True)

    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Span, "record_exception", interrupt)
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("s"):
        raise KeyError("k")

    assert len(seen.ended) == 1


class Slow(Sequence):
    """A value that takes its time when it is converted."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __len__(self) -> int:
        return 1

    def __getitem__(self, at: Any) -> Any:
        if at:
            raise IndexError(at)
        self.asked.set()
        self.go.wait(10)
        return "slow"


def test_an_end_waits_for_a_change_under_way():
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        span, slow = tracer.start_span("s", attributes={"a": 1}), Slow()
        changing = threading.Thread(target=span.set_attribute, args=("k", slow))
        ending = threading.Thread(target=span.end)
        with messages():
            changing.start()
            slow.asked.wait(10)
            ending.start()
            ending.join(0.1)
            early = list(seen.ended)
            slow.go.set()
            changing.join(10)
            ending.join(10)
        return early, dict(seen.ended[0].attributes)

    assert same(work) == ([], {"a": 1, "k": ("slow",)})


@pytest.mark.parametrize(
    "change",
    [
        lambda span: span.set_attribute("a", 2),
        lambda span: span.set_attributes({"b": 2}),
        lambda span: span.add_event("e"),
        lambda span: span.end(),
    ],
)
def test_changes_take_turns(change):
    tracer, _ = make(ours=True)
    span = tracer.start_span("s", attributes={"a": 1})

    with span._lock:
        other = threading.Thread(target=change, args=(span,))
        other.start()
        other.join(0.1)
        waited = other.is_alive()
    other.join(10)

    assert waited
    assert not other.is_alive()


def interrupted(text: str, handler: Any, work: Any) -> None:
    """Do the work, with the handler before the first line with this text, as a signal handler runs."""

    def trace(frame: Any, event: str, _: Any) -> Any:
        here = frame.f_code.co_filename
        if (
            Path(here).parent.name == "recording"
            and event == "line"
            and text in linecache.getline(here, frame.f_lineno)
        ):
            sys.settrace(None)
            called.append(True)
            handler()
        return trace

    called: list[bool] = []
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    assert called


def test_the_first_event_and_link_of_a_handler_and_of_what_it_interrupts():
    tracer, _ = make(ours=True)
    span = tracer.start_span("s")

    interrupted('setdefault("_bounded_events"', lambda: span.add_event("handler"), lambda: span.add_event("main"))
    interrupted('setdefault("_bounded_links"', lambda: span.add_link(REMOTE), lambda: span.add_link(LOCAL))
    interrupted('setdefault("_bounded"', lambda: span.set_attribute("b", b"1"), lambda: span.set_attribute("a", b"1"))

    assert [event.name for event in span.events] == ["handler", "main"]
    assert len(span.links) == 2
    assert set(span.attributes) == {"a", "b"}


def test_a_span_that_a_handler_ends_in_the_middle_of_its_end_ends_once():
    tracer, seen = make(ours=True)
    span = tracer.start_span("s")

    interrupted("self._end_time = end_time", span.end, span.end)

    assert len(seen.ended) == 1


def test_an_attribute_that_comes_while_a_handler_ends_the_span_changes_no_finished_span():
    tracer, seen = make(ours=True)
    span = tracer.start_span("s", attributes={"a": 1})

    interrupted("values[key] = value", span.end, lambda: span.set_attribute("late", 1))

    assert dict(seen.ended[0].attributes) == {"a": 1}


@pytest.mark.parametrize("line", ["values[key] = value", "values.update(attributes)"])
def test_the_limit_holds_when_a_handler_adds_the_last_attribute(line):
    tracer, _ = make({"max_span_attributes": 17}, ours=True)
    span = tracer.start_span("s", attributes={f"a{number}": 1 for number in range(16)})
    with messages(), suppress(AssertionError):
        # Near the limit the first line is not reached.
        interrupted(line, lambda: span.set_attribute("handler", 1), lambda: span.set_attribute("main", 1))

    assert len(span.attributes) <= 17
    assert span.attributes["main"] == 1


@pytest.mark.parametrize("read_before", [False, True])
def test_the_attributes_of_an_ended_span_refuse_a_change(read_before):
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        span = tracer.start_span("s", attributes={"a": 1})
        if read_before:
            assert span.attributes
        span.end()
        with pytest.raises(TypeError):
            seen.ended[0]._attributes["b"] = 2
        return dict(seen.ended[0].attributes)

    assert same(work) == {"a": 1}


# ----------------------------------------------------------------------------------------- by patches


def adds_attribute(original: Any) -> Any:
    def start_span(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        kwargs["attributes"] = {**kwargs.get("attributes", {}), "added": 1}
        return original(self, name, *args, **kwargs)

    return start_span


def has_context(original: Any) -> Any:
    def start_span(self: Any, name: str, context: Any = None, **kwargs: Any) -> Any:
        return original(self, name, context, **kwargs)

    return start_span


@pytest.mark.parametrize("patch", [adds_attribute, has_context])
def test_a_patch_of_start_span_gets_what_the_caller_gave(monkeypatch, patch):
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        with monkeypatch.context() as patching:
            patching.setattr(Tracer, "start_span", patch(Tracer.start_span))
            tracer.start_span("s", attributes={"a": 1}, kind=opentelemetry.trace.SpanKind.CLIENT, start_time=5).end(6)
        return [read(span) for span in seen.ended]

    assert same(work)[0]["rest"][1] is opentelemetry.trace.SpanKind.CLIENT


def test_a_tracer_whose_start_span_is_replaced_starts_its_current_spans_by_that():
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        original = tracer.start_span
        tracer.start_span = lambda name, **kwargs: adds_attribute(lambda self, *a, **k: original(*a, **k))(
            tracer, name, **{**kwargs, "attributes": kwargs["attributes"] or {}}
        )
        with tracer.start_as_current_span("s", attributes={"a": 1}):
            pass
        return dict(seen.ended[0].attributes)

    assert same(work) == {"a": 1, "added": 1}


@pytest.mark.parametrize(
    ("name", "make_patch"),
    [
        ("end", lambda original: lambda self: original(self)),
        ("add_event", lambda original: lambda self, name, **kwargs: original(self, name, **kwargs)),
        ("set_attribute", lambda original: lambda self, key, value: original(self, key, value)),
        ("set_attributes", lambda original: lambda self, attributes: original(self, attributes)),
        ("add_link", lambda original: lambda self, context, **kwargs: original(self, context, **kwargs)),
        ("set_status", lambda original: lambda self, *args: original(self, *args)),
        ("update_name", lambda original: lambda self, name: original(self, name)),
        ("_readable_span", lambda original: lambda self: original(self)),
        ("get_span_context", lambda original: lambda self: original(self)),
    ],
)
@pytest.mark.parametrize("kind", [Span, sdk_trace._Span])
@pytest.mark.parametrize("late", [False, True])
def test_a_patch_of_a_spans_class_is_called(monkeypatch, name, make_patch, kind, late):
    if late and name in ("_readable_span", "get_span_context"):
        # They count from the next span on.
        return
    tracer, seen = make(ours=True)
    span = tracer.start_span("s") if late else None
    called = []
    patched = make_patch(getattr(kind, name))

    def patch(self: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return patched(self, *args, **kwargs)

    monkeypatch.setattr(kind, name, patch)
    span = span or tracer.start_span("s")
    span.set_attribute("a", 1)
    span.set_attributes({"b": 2})
    span.add_event("e", {"k": 1})
    span.add_event("f")
    span.add_link(LOCAL, attributes={"l": 1})
    span.set_status(opentelemetry.trace.StatusCode.ERROR, "why")
    span.update_name("n")
    span.get_span_context()
    span.end()

    assert called
    (ended,) = seen.ended
    assert dict(ended.attributes) == {"a": 1, "b": 2}
    assert [(event.name, dict(event.attributes)) for event in ended.events] == [("e", {"k": 1}), ("f", {})]
    assert (ended.name, ended.status.description, len(ended.links)) == ("n", "why", 1)


@pytest.mark.parametrize("name", ["attributes", "events", "links"])
def test_a_patched_property_is_read(monkeypatch, name):
    tracer, seen = make(ours=True)
    monkeypatch.setattr(ReadableSpan, name, property(lambda self: "patched"))

    tracer.start_span("s").end()

    assert getattr(seen.ended[0], name) == "patched"


@pytest.mark.parametrize(("owner", "name"), [(opentelemetry.trace, "use_span"), (Tracer, "start_as_current_span")])
def test_a_patched_way_to_a_current_span_is_taken(monkeypatch, owner, name):
    tracer, seen = make(ours=True)
    called, original = [], getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: called.append(1) or original(*args, **kwargs))

    with tracer.start_as_current_span("s"):
        pass

    assert (called, len(seen.ended)) == ([1], 1)


# ---------------------------------------------------------------------------- beside the documented ways


def test_examples_that_name_the_sdks_own_class():
    tracer, _ = make(ours=True)

    assert isinstance(tracer.start_span("s"), sdk_trace._Span)


def test_one_object_for_several_uses():
    tracer, seen = make(ours=True)
    current = tracer.start_as_current_span("s")

    with current as outer:
        with current as inner:
            assert get_current_span() is inner
        assert get_current_span() is outer
    with current:
        pass

    assert len(seen.ended) == 3
    assert get_current_span() is INVALID_SPAN


def test_a_block_that_is_entered_and_forgotten():
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        tracer.start_as_current_span("s").__enter__()
        gc.collect()
        return len(seen.ended), get_current_span().is_recording()

    assert same(work) == (1, False)


def test_a_current_span_without_a_name():
    for ours in BOTH:
        tracer, _ = make(ours=ours)
        with pytest.raises(TypeError, match="name"):
            tracer.start_as_current_span()


@pytest.mark.parametrize(("attributes", "left"), [(None, {}), ({}, {}), ({"new": 1}, {"new": 1})])
def test_attributes_that_a_processor_replaces(attributes, left):
    def work(ours: bool) -> Any:
        tracer, seen = make(ours=ours)
        tracer.start_span("s", attributes={"secret": 1}).end()
        (span,) = seen.ended
        span._attributes = copy.copy(attributes)
        return dict(span.attributes), span.dropped_attributes

    assert same(work) == (left, 0)


def test_a_sampler_is_asked_once_for_an_ordinary_span():
    class Counting(Named):
        asked = 0

        def should_sample(self, *args, **kwargs):
            Counting.asked += 1
            return super().should_sample(*args, **kwargs)

    tracer, _ = make(sampler=Counting(Decision.RECORD_AND_SAMPLE), ours=True)
    tracer.start_span("s", attributes={"k": [1]}).end()

    assert Counting.asked == 1
    assert DEFAULT_ON is not tracer.sampler

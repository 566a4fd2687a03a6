"""Transforms may drop each span that still runs; late processors see nothing of it then but what they have written."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import SpanProcessor

from distrokit import Processor, hookimpl
from distrokit.testing import in_memory

SECRET = "a@b.c"


class ByDuration:
    """A filter that raises, or drops, as long as a span has no end."""

    @staticmethod
    @hookimpl
    def distrokit_processors():
        return [
            Processor("by-duration", "traces", "transform", lambda _: lambda span: span if span.end_time > 0 else None)
        ]


class ByAttribute:
    """A filter by an attribute that is set last."""

    @staticmethod
    @hookimpl
    def distrokit_processors():
        return [Processor("by-size", "traces", "transform", lambda _: lambda s: s if "size" in s.attributes else None)]


class Marking(SpanProcessor):
    """Marks each span at its start, by each way to do so, and finds it again by its mark."""

    def __init__(self, mark):
        self.mark, self.spans, self.read, self.ended = mark, [], [], []

    def on_start(self, span, parent_context=None):
        span.set_attribute(f"{self.mark}.id", 7)
        span.set_attributes({f"{self.mark}.kind": "chain"})
        span._attributes[f"{self.mark}.own"] = True
        self.spans.append(span)
        self.read.append((span.name, dict(span.attributes), span.instrumentation_scope.name))

    def on_end(self, span):
        self.ended.append(span)


def marks(name):
    return {f"{name}.id": 7, f"{name}.kind": "chain", f"{name}.own": True}


@pytest.mark.parametrize("tracer", ["distrokit", "sdk"])
@pytest.mark.parametrize("filtering", [ByDuration, ByAttribute])
def test_a_late_processor_reads_what_it_has_written_at_the_start(filtering, tracer):
    first, second = Marking("first"), Marking("second")
    with in_memory({"filter": filtering}, {"DISTROKIT_TRACER": tracer}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(first)
        telemetry.tracer_provider.add_span_processor(second)
        tracer = telemetry.tracer_provider.get_tracer("shop")
        with tracer.start_as_current_span("pay", attributes={"email": SECRET}) as span:
            # Not of the start: of the application's, as inputs are that it gives to MLflow's span.
            first.spans[0].set_attribute("inputs", SECRET)
            assert dict(first.spans[0].attributes) == marks("first")
            span.set_attribute("size", 3)
        (exported,) = telemetry.spans()

    whole = {"email": SECRET, **marks("first"), **marks("second"), "inputs": SECRET, "size": 3}
    assert first.read == [("", marks("first"), "shop")]
    assert second.read == [("", marks("second"), "shop")]
    assert dict(exported.attributes) == dict(first.ended[0].attributes) == dict(first.spans[0].attributes) == whole


def test_of_a_span_that_is_dropped_in_the_end_only_its_own_marks_stay():
    late = Marking("late")
    with in_memory({"filter": ByAttribute}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        with telemetry.tracer_provider.get_tracer("shop").start_as_current_span("pay") as span:
            span.set_attribute("email", SECRET)
            late.spans[0].set_attribute("inputs", SECRET)

    (kept,), (ended,) = late.spans, late.ended
    assert (kept.name, dict(kept.attributes), kept.resource.attributes) == ("", marks("late"), {})
    assert (ended.name, dict(ended.attributes), ended.instrumentation_scope) == ("", {}, None)
    assert not ended.context.trace_flags.sampled
    assert SECRET not in kept.to_json() + ended.to_json()
    assert telemetry.spans() == []


def test_marks_stay_as_they_were_written():
    # The application's value under the same key is not the processor's.
    late = Marking("late")
    with in_memory({"filter": ByAttribute}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        with telemetry.tracer_provider.get_tracer("shop").start_as_current_span("pay") as span:
            span.set_attribute("late.kind", SECRET)

    assert dict(late.spans[0].attributes) == marks("late")

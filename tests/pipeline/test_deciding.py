"""A sampler or an id generator that raises when a span begins: named, and not taken for the application's mistake."""

from __future__ import annotations

import re

import pytest
from opentelemetry.sdk.trace.id_generator import IdGenerator as Ids
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, SamplingResult
from opentelemetry.sdk.trace.sampling import Sampler as SDKSampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context
from plans import plugin

from distrokit import IdGenerator, Sampler
from distrokit.testing import in_memory


class Picky(SDKSampler):
    """Decides about GET only."""

    def __init__(self, otherwise):
        self.otherwise = otherwise

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        return SamplingResult(Decision.RECORD_AND_SAMPLE) if name == "GET" else self.otherwise()

    def get_description(self):
        return "Picky"


def fail():
    raise ValueError("no rule")


def sampling(make, **more):
    return {"acme": plugin(distrokit_samplers=lambda: [Sampler("picky", make)], **more)}


CHOSEN = {"OTEL_TRACES_SAMPLER": "picky"}
#: Where it was raised.
PLACE = re.compile(r" \(\S+ line \d+\)")


@pytest.mark.parametrize(
    ("otherwise", "cause"),
    [
        (fail, "ValueError: no rule"),
        (list, "TypeError: should_sample() returned list, not SamplingResult"),
    ],
)
def test_a_span_that_a_sampler_cannot_decide_about_is_not_recorded(otherwise, cause, capsys):
    own = Picky(otherwise)
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("acme", "1")]))

    with in_memory(sampling(lambda context: own), CHOSEN) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        for name in ("POST", "GET", "PUT"):
            tracer.start_span(name).end()
        within = tracer.start_span("POST", set_span_in_context(NonRecordingSpan(remote))).get_span_context()
        spans = telemetry.spans()

    assert telemetry.tracer_provider.sampler is own
    assert [span.name for span in spans] == ["GET"]
    assert (within.trace_id, within.trace_flags.sampled, within.trace_state) == (7, False, remote.trace_state)
    (line,) = capsys.readouterr().err.splitlines()
    assert PLACE.sub("", line) == (
        f"distrokit: sampler picky (plugin acme): {cause}; spans that it fails on are not recorded. "
        "Repair it, or block its plugin with DISTROKIT_DISABLED_PLUGINS."
    )


def test_of_samplers_inside_one_another_the_one_that_raised_is_named(capsys):
    def wrap(plan):
        plan.wrap_sampler(Sampler("outer", lambda context: ParentBased(context.arguments["inner"])))

    with in_memory(sampling(lambda context: Picky(fail), distrokit_plan=wrap), CHOSEN) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("POST")

    assert telemetry.tracer_provider.sampler.get_description().startswith("ParentBased{root:Picky,")
    assert capsys.readouterr().err.startswith("distrokit: sampler picky (plugin acme): ValueError: no rule (")


def test_a_sampler_that_the_application_has_set_is_named_by_its_class(capsys):
    with in_memory({}, {}) as telemetry:
        telemetry.tracer_provider.sampler = Picky(fail)
        telemetry.tracer_provider.get_tracer("t").start_span("POST")

    assert capsys.readouterr().err.splitlines()[-1].startswith("distrokit: sampler Picky: ValueError: no rule (")


class Curious(SDKSampler):
    """Looks at what a span begins with."""

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        str(attributes)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self):
        return "Curious"


class Mute:
    def __repr__(self):
        raise ValueError("it cannot be shown")


@pytest.mark.parametrize("given", [{"attributes": 7}, {"attributes": {"who": Mute()}}, {"links": 7}])
def test_the_applications_own_mistake_is_still_the_applications(given, capsys):
    with in_memory(sampling(lambda context: Curious()), CHOSEN) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        tracer.start_span("GET", **given).end()

        assert [span.name for span in telemetry.spans()] == ["GET"]

    assert capsys.readouterr().err.startswith("distrokit: tracer.start_span(): ")


class Used(Ids):
    """Raises for a trace id, has none for a span, and cannot say how it makes them."""

    def generate_trace_id(self):
        raise OSError("no entropy")

    def generate_span_id(self):
        return 1 << 64

    def is_trace_id_random(self):
        raise LookupError("who knows")


def test_an_id_that_is_not_made_is_random(capsys):
    made = {"acme": plugin(distrokit_id_generators=lambda: [IdGenerator("used", lambda context: Used())])}

    with in_memory(made, {"OTEL_PYTHON_ID_GENERATOR": "used"}) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        ids = {tracer.start_span("s").get_span_context().trace_id for _ in range(3)}
        context = tracer.start_span("s").get_span_context()

    assert len(ids) == 3
    assert context.is_valid
    said = capsys.readouterr().err.splitlines()
    name = "distrokit: id generator used (plugin acme): "
    assert f"{name}OSError: no entropy (" in said[0]
    assert "; a random id is used instead. " in said[0]
    causes = {PLACE.sub("", line.removeprefix(name)).partition(";")[0] for line in said}
    # That question is new; the SDK's before it does not ask.
    asks = {"LookupError: who knows"} if hasattr(RandomIdGenerator, "is_trace_id_random") else set()
    assert causes == asks | {
        "OSError: no entropy",
        "ValueError: generate_span_id() returned 18446744073709551616, which is not a 64-bit id",
    }

"""``plan.wrap_sampler``: a sampler around the one that was chosen, whichever that is."""

from __future__ import annotations

import pytest
from building import builder_of, components_of
from commands import in_process
from distributions import write_plugin
from opentelemetry.sdk.trace.sampling import Sampler as SDKSampler
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from plans import assembled, planned, plugin, problems
from processes import QUIET, instrumented, said

from distrokit import Sampler
from distrokit.cli.picture import picture_of
from distrokit.cli.setting import explain_setting
from distrokit.plan.model_writer import model_of

PLUGIN = """
    from distrokit import Sampler, hookimpl

    def make(context):
        from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
        inner = context.arguments["inner"]

        class AlwaysRecord(Sampler):
            def should_sample(self, *args, **kwargs):
                result = inner.should_sample(*args, **kwargs)
                if result.decision is Decision.DROP:
                    return SamplingResult(Decision.RECORD_ONLY, result.attributes, result.trace_state)
                return result

            def get_description(self):
                return f"AlwaysRecord{{{inner.get_description()}}}"

        return AlwaysRecord()

    @hookimpl
    def distrokit_plan(plan):
        plan.wrap_sampler(Sampler("always-record", make))
"""


def test_a_wrapper_stands_around_whatever_the_user_chose(tmp_path):
    program = """
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("s") as span:
            print(span.is_recording(), span.get_span_context().trace_flags.sampled)
        print(trace.get_tracer_provider().sampler.get_description())
    """
    path = [write_plugin(tmp_path, "acme", PLUGIN)]

    result = instrumented(program, {**QUIET, "OTEL_TRACES_SAMPLER": "always_off"}, path)
    text = in_process("explain", env=QUIET, path=path).stdout

    assert result.stdout == "True False\nAlwaysRecord{AlwaysOffSampler}\n"
    assert said(result) == []
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "sampler always-record(parentbased_always_on) (plugin acme 1.0) plugin acme 1.0" in lines
    assert "inner = parentbased_always_on default of opentelemetry-sdk" in lines


class Around(SDKSampler):
    def __init__(self, name, inner):
        self.name, self.inner = name, inner

    def should_sample(self, *args, **kwargs):
        return self.inner.should_sample(*args, **kwargs)

    def get_description(self):
        return f"{self.name}({self.inner.get_description()})"


def around(name, factory=None):
    make = factory or (lambda context: Around(name, context.arguments["inner"]))
    return plugin(distrokit_plan=lambda plan: plan.wrap_sampler(Sampler(name, make)))


def built(environ, **plugins):
    assembly = assembled(environ, **plugins)
    provider = builder_of(components_of(assembly)).tracer_provider()
    return provider.sampler.get_description(), problems(assembly.plan)


RATIO = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}


def broken(context):
    raise RuntimeError("no")


def test_several_plugins_wrap_in_their_order():
    made, said = built(RATIO, bbb=around("outer"), aaa=around("middle"))

    assert (made, said) == ("outer(middle(TraceIdRatioBased{0.5}))", [])


def test_what_cannot_be_built_costs_itself():
    made, (line,) = built(RATIO, aaa=around("a", broken), bbb=around("b"))
    assert made == "b(TraceIdRatioBased{0.5})"
    assert line.startswith("sampler a (plugin aaa): RuntimeError: no; traceidratio samples without it.")

    made, (line,) = built(RATIO, aaa=around("a"), bbb=around("b", broken))
    assert made == "a(TraceIdRatioBased{0.5})"
    assert line.startswith("sampler b (plugin bbb): RuntimeError: no; a(traceidratio) samples without it.")

    mine = plugin(distrokit_samplers=lambda: [Sampler("mine", broken)])
    made, (line,) = built({"OTEL_TRACES_SAMPLER": "mine"}, aaa=around("a"), mine=mine)
    assert made.startswith("a(ParentBased{root:AlwaysOnSampler")
    assert line.startswith("sampler mine (plugin mine): RuntimeError: no; parentbased_always_on is used inside 'a'.")


def test_the_plan_shows_what_is_inside_with_its_source():
    plan = planned(RATIO, aaa=around("a"))

    shown = plan.describe()["sampler"]
    assert (shown["name"], shown["plugin"], shown["source"]) == ("a", "aaa", "plugin aaa")
    inner = shown["parameters"]["inner"]["value"]
    assert (inner["name"], inner["source"]) == ("traceidratio", "OTEL_TRACES_SAMPLER")
    assert picture_of(plan).lanes[0].boxes[0].title == "a(traceidratio 0.5)"
    taken = explain_setting(plan, "OTEL_TRACES_SAMPLER")["taken_by"]
    assert taken == ["sampler a, inner: traceidratio"]
    assert any(change.path == "sampler.name" and change.after == "a" for change in plan.changes)
    # A file that `distrokit config show` writes is wrapped once more where it is read.
    assert model_of(plan)["tracer_provider"]["sampler"] == {"trace_id_ratio_based": {"ratio": 0.5}}
    assert "sampler" not in model_of(planned(aaa=around("a")))["tracer_provider"]


def test_a_wrapper_has_parameters_and_its_source_is_its_plugin():
    def make(context):
        return TraceIdRatioBased(context.arguments["share"])

    def wrap(plan):
        share = lambda reader: {"share": reader.number("ACME_SHARE", 0.25, minimum=0, maximum=1)}  # noqa: E731
        plan.wrap_sampler(Sampler("share", make, share))

    acme = plugin(distrokit_plan=wrap)

    assert built({"ACME_SHARE": "0.5"}, acme=acme) == ("TraceIdRatioBased{0.5}", [])
    made, (line,) = built({"ACME_SHARE": "7"}, acme=acme)
    assert made == "TraceIdRatioBased{0.25}"
    assert line.startswith("ACME_SHARE=7: not usable")
    assert str(planned(acme=acme).sampler.parameters["share"].source) == "default of plugin acme"


@pytest.mark.parametrize(
    ("sampler", "says"),
    [
        (TraceIdRatioBased(0.5), "plan.wrap_sampler takes a distrokit.Sampler, not TraceIdRatioBased"),
        (Sampler("", print), "declared Sampler with name ''"),
    ],
)
def test_what_is_no_declaration_is_the_plugins_mistake(sampler, says):
    def wrap(plan):
        plan.wrap_sampler(Sampler("good", print))
        plan.wrap_sampler(sampler)

    plan = planned(acme=plugin(distrokit_plan=wrap))

    (line,) = problems(plan)
    assert says in line
    assert plan.sampler is None


def test_what_a_plugin_changes_inside_is_taken_back_with_it():
    def change(plan):
        plan.sampler.inner.parameters["arg"] = 0.1
        raise RuntimeError("half way")

    plan = planned(RATIO, aaa=around("a"), bbb=plugin(distrokit_plan=change))

    assert plan.sampler.inner.arguments["arg"] == 0.5


def refusing(reader):
    reader.refuse("tenant is not set", "Set it.")
    return {}


def test_a_wrapper_that_refuses_its_parameters_is_left_out():
    def wrap(plan):
        plan.wrap_sampler(Sampler("mine", lambda context: None, parameters=refusing))

    plan = planned({"OTEL_TRACES_SAMPLER": "always_off"}, acme=plugin(distrokit_plan=wrap))

    assert plan.sampler.nested_name == "always_off"
    assert [problem.outcome for problem in plan.problems if problem.code == "component-refused"] == ["it is left out"]


def test_a_plain_value_is_taken_inside_a_wrapper_too():
    def wrap(plan):
        plan.wrap_sampler(Sampler("mine", lambda context: context.arguments["inner"]))
        plan.sampler.innermost.parameters["ratio"] = 0.5

    plan = planned({"OTEL_TRACES_SAMPLER": "traceidratio"}, acme=plugin(distrokit_plan=wrap))

    assert problems(plan) == []
    assert plan.sampler.innermost.arguments["ratio"] == 0.5

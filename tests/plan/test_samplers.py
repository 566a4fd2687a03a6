"""Samplers by name, in both modes: the specification's, the schema's, and what cannot be."""

from __future__ import annotations

import pytest
from building import builder_of, components_of
from opentelemetry import trace
from plans import assembled, problems
from processes import QUIET, configured, instrumented, said
from releases import needs_yaml

DESCRIBE = """
    from opentelemetry import trace
    print(trace.get_tracer_provider().sampler.get_description())
"""


def built(environ):
    """The sampler of the plan's provider, built here, and what is said of it."""
    assembly = assembled(environ)
    provider = builder_of(components_of(assembly)).tracer_provider()
    return provider.sampler.get_description(), problems(assembly.plan)


def test_what_is_recorded_without_being_sampled_keeps_its_attributes():
    assembly = assembled({"OTEL_TRACES_SAMPLER": "always_record"})
    provider = builder_of(components_of(assembly)).tracer_provider()
    not_sampled = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=True))

    within = trace.set_span_in_context(not_sampled)
    span = provider.get_tracer("t").start_span("s", within, attributes={"url.path": "/"})

    assert (span.is_recording(), span.get_span_context().trace_flags.sampled) == (True, False)
    assert dict(span.attributes) == {"url.path": "/"}


def built_by_file(tmp_path, sampler):
    path = tmp_path / "otel.yaml"
    processors = "[{simple: {exporter: {console: }}}]"
    path.write_text(f'file_format: "1.0"\ntracer_provider: {{sampler: {{{sampler}}}, processors: {processors}}}')
    return built({"OTEL_CONFIG_FILE": str(path)})


def test_a_sampler_under_the_launcher():
    env = {**QUIET, "OTEL_TRACES_SAMPLER": "TraceIdRatio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}

    assert instrumented(DESCRIBE, env).stdout == "TraceIdRatioBased{0.5}\n"


PARENT = "remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}"


@pytest.mark.parametrize(
    ("name", "argument", "description"),
    [
        ("always_on", "", "AlwaysOnSampler"),
        ("ALWAYS_OFF", "", "AlwaysOffSampler"),
        ("traceidratio", "0.5", "TraceIdRatioBased{0.5}"),
        ("traceidratio", "", "TraceIdRatioBased{1.0}"),
        ("parentbased_always_on", "", f"ParentBased{{root:AlwaysOnSampler,{PARENT}"),
        ("parentbased_always_off", "", f"ParentBased{{root:AlwaysOffSampler,{PARENT}"),
        ("parentbased_traceidratio", "0.25", f"ParentBased{{root:TraceIdRatioBased{{0.25}},{PARENT}"),
        ("trace_id_ratio_based", "0.5", "TraceIdRatioBased{0.5}"),
    ],
)
def test_samplers_by_variable(name, argument, description):
    made, said = built({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument})

    assert (made, said) == (description, [])


@needs_yaml
@pytest.mark.parametrize(
    ("sampler", "description"),
    [
        ("always_on: ", "AlwaysOnSampler"),
        ("always_off: {}", "AlwaysOffSampler"),
        ("trace_id_ratio_based: {ratio: 0.5}", "TraceIdRatioBased{0.5}"),
        ("trace_id_ratio_based: ", "TraceIdRatioBased{1.0}"),
        ("parent_based: ", f"ParentBased{{root:AlwaysOnSampler,{PARENT}"),
        ("parent_based: {root: {parent_based: {root: {always_off: }}}}",
         f"ParentBased{{root:ParentBased{{root:AlwaysOffSampler,{PARENT},{PARENT}"),
        ("parent_based: {root: {always_on: }, local_parent_sampled: {always_off: }, remote_parent_not_sampled: {always_on: }}",
         ("ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOnSampler,"
         "localParentSampled:AlwaysOffSampler,localParentNotSampled:AlwaysOffSampler}")),
        ("always_record: {root: {always_off: }}", "AlwaysRecord{AlwaysOffSampler}"),
        ("traceidratio: {arg: 0.5}", "TraceIdRatioBased{0.5}"),
        ("parentbased_always_off: ", f"ParentBased{{root:AlwaysOffSampler,{PARENT}"),
    ],
)  # fmt: skip
def test_samplers_by_file(tmp_path, sampler, description):
    assert built_by_file(tmp_path, sampler) == (description, [])


COMPOSITE = """
    from opentelemetry import trace
    tracer = trace.get_tracer("t")
    for kind, attributes in [("CLIENT", {"db.operation": "PING"}), ("SERVER", {"http.path": "/internal/x"}),
                             ("SERVER", {"http.path": "/internal/special/x"}), ("CLIENT", {}), ("SERVER", {})]:
        print(tracer.start_span("s", kind=trace.SpanKind[kind], attributes=attributes).is_recording(), end=" ")
"""


@needs_yaml
def test_composite_samplers(tmp_path):
    file = """
        file_format: "1.1"
        tracer_provider:
          processors: [{simple: {exporter: {console: }}}]
          sampler:
            composite/development:
              rule_based:
                rules:
                  - attribute_values: {key: db.operation, values: [PING]}
                    sampler: {always_off: }
                  - attribute_patterns: {key: http.path, included: ["/internal/*"], excluded: ["/internal/special/*"]}
                    sampler: {always_on: }
                  - parent: [none]
                    span_kinds: [client]
                    sampler: {probability: {ratio: 1}}
                  - sampler: {parent_threshold: {root: {always_off: }}}
    """
    result = configured(COMPOSITE, file, tmp_path)

    assert said(result) == []
    assert result.stdout.startswith("False True False True False ")


@needs_yaml
@pytest.mark.parametrize(("ratio", "recording"), [(1, "True"), (0, "False")])
def test_the_probability_sampler(tmp_path, ratio, recording):
    file = f'file_format: "1.0"\ntracer_provider: {{sampler: {{probability/development: {{ratio: {ratio}}}}}, processors: [{{simple: {{exporter: {{console: }}}}}}]}}'

    result = configured(COMPOSITE, file, tmp_path)

    assert said(result) == []
    assert result.stdout.startswith(f"{recording} " * 5)


@needs_yaml
@pytest.mark.parametrize(
    ("sampler", "says"),
    [
        (
            "composite/development: {acme: }",
            "'acme' is no composable sampler of the SDK; parentbased_always_on is used",
        ),
        ("composite/development: ", "composite/development: not usable: expected a mapping; it is taken for unset."),
        ("parent_based: {root: {acme: }}", "acme: there is no such sampler (available: "),
        (
            "jaeger_remote/development: {endpoint: 'http://h', initial_sampler: {always_off: }}",
            "no Python package fetches",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_the_rest_stands(tmp_path, sampler, says):
    made, said = built_by_file(tmp_path, sampler)

    assert says in said[0]
    assert made == ("AlwaysOffSampler" if "jaeger" in sampler else f"ParentBased{{root:AlwaysOnSampler,{PARENT}")


@pytest.mark.parametrize(
    ("name", "argument", "description"),
    [
        (
            "jaeger_remote",
            "endpoint=http://h:14250,pollingIntervalMs=5000,initialSamplingRate=0.25",
            "TraceIdRatioBased{0.25}",
        ),
        ("parentbased_jaeger_remote", "", f"ParentBased{{root:TraceIdRatioBased{{1.0}},{PARENT}"),
        ("jaeger_remote", "initialSamplingRate=7", "TraceIdRatioBased{1.0}"),
    ],
)
def test_jaeger_remote_uses_its_initial_rate_and_says_so(name, argument, description):
    made, said = built({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument})

    assert made == description
    assert any("its initial sampler is used" in line for line in said)
    assert len(said) == (2 if "=7" in argument else 1)

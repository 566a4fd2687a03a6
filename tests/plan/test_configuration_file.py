"""``OTEL_CONFIG_FILE`` under the real launcher: what of the schema takes effect, and what is said of the rest."""

from __future__ import annotations

from textwrap import dedent

import pytest
from distributions import write_plugin
from plans import planned, problems
from processes import configured, instrumented, said

pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")

#: Every node that Python can do, but for those with a test of their own.
EVERYTHING = """
    file_format: "1.1"
    log_level: info
    attribute_limits: {attribute_count_limit: 100}
    resource:
      attributes:
        - {name: service.name, value: "${APP:-from-file}"}
        - {name: count, value: "3", type: int}
        - {name: ratios, value: [1, 2.5], type: double_array}
        - {name: on, value: true}
      attributes_list: "team=a%20b,service.name=weaker"
      schema_url: https://opentelemetry.io/schemas/1.16.0
      detection/development:
        attributes: {included: ["process.*", "service.*"], excluded: [process.executable.path]}
        detectors: [{service: }, {host: }, {process: }, {container: }]
    propagator:
      composite: [{tracecontext: }]
      composite_list: b3,tracecontext
    tracer_provider:
      limits: {attribute_value_length_limit: 5, event_count_limit: 1, link_count_limit: 1, attribute_count_limit: 2,
               event_attribute_count_limit: 1, link_attribute_count_limit: 1}
      sampler:
        parent_based: {root: {always_on: }, remote_parent_sampled: {always_off: }}
      id_generator: {random: }
      tracer_configurator/development:
        default_config: {enabled: true}
        tracers: [{name: "off.*", config: {enabled: false}}]
      processors:
        - batch:
            max_export_batch_size: 2
            max_queue_size: 10
            schedule_delay: 100
            export_timeout: 0
            exporter:
              otlp_http:
                endpoint: ${RECEIVER}/v1/traces
                compression: gzip
                headers: [{name: x-a, value: "1"}]
                headers_list: "x-a=0,x-b=2"
                timeout: 5000
        - simple: {exporter: {console: }}
    meter_provider:
      exemplar_filter: always_on
      meter_configurator/development:
        meters: [{name: off, config: {enabled: false}}]
      readers:
        - periodic:
            interval: 60000
            timeout: 5000
            exporter:
              otlp_http:
                endpoint: ${RECEIVER}/v1/metrics
                temporality_preference: delta
                default_histogram_aggregation: base2_exponential_bucket_histogram
      views:
        - selector: {instrument_name: my.counter, instrument_type: counter, meter_name: app, unit: "1"}
          stream: {name: renamed, description: d, attribute_keys: {included: ["*"], excluded: [sec*]}}
        - selector: {instrument_type: gauge}
          stream: {aggregation: {drop: }}
        - selector: {instrument_name: buckets}
          stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 2], record_min_max: false}}}
        - selector: {instrument_type: observable_up_down_counter}
          stream: {aggregation: {last_value: }}
        - selector: {instrument_name: summed}
          stream: {aggregation: {sum: }}
        - selector: {instrument_name: exponential}
          stream: {aggregation: {base2_exponential_bucket_histogram: {max_scale: 2, max_size: 20}}}
        - selector: {instrument_name: plain}
          stream: {aggregation: {default: }}
    logger_provider:
      limits: {attribute_value_length_limit: 3, attribute_count_limit: 1}
      logger_configurator/development:
        default_config: {enabled: true}
        loggers: [{name: noisy, config: {minimum_severity: error, trace_based: true}}, {name: mute, config: {enabled: false}}]
      processors:
        - event_to_span_event_bridge/development:
        - batch:
            exporter:
              otlp_http: {endpoint: "${RECEIVER}/v1/logs"}
    instrumentation/development:
      general:
        http: {semconv: {version: 1}, client: {request_captured_headers: [x-one]}}
        stability_opt_in_list: database
      python:
        requests: {enabled: false}
        flask: {excluded_urls: healthz}
    distribution:
      distrokit: {detector_timeout: 3000}
      acme: {anything: goes}
"""

PROGRAM = """
    import json, logging, os, requests
    from opentelemetry import metrics, propagate, trace
    from opentelemetry._logs import LogRecord, get_logger
    from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    tracer = trace.get_tracer("app")
    links = [Link(SpanContext(1, n + 1, False), {"a": 1, "b": 2}) for n in range(2)]
    for number in range(3):
        with tracer.start_as_current_span(f"s{number}", links=links) as span:
            span.set_attributes({"a": "0123456789", "b": "b", "c": "c"})
            logging.getLogger("app").warning("in a span", extra={"k": "abcdef"})
            get_logger("app").emit(LogRecord(event_name="happened", attributes={"x": 1, "y": 2}))
            seen = [event.name for event in span.events]
    with trace.get_tracer("off.x").start_as_current_span("never"):
        pass
    remote = SpanContext(7, 8, True, TraceFlags(TraceFlags.SAMPLED))
    tracer.start_span("remote", set_span_in_context(NonRecordingSpan(remote))).end()
    logging.getLogger("noisy").warning("too quiet")
    logging.getLogger("noisy").error("loud")
    logging.getLogger("mute").error("muted")
    meter = metrics.get_meter("app")
    meter.create_counter("my.counter", unit="1").add(1, {"secret": "x", "ok": "y"})
    meter.create_counter("plain").add(1)
    meter.create_histogram("h").record(3)
    meter.create_histogram("buckets").record(3)
    meter.create_histogram("summed").record(3)
    meter.create_histogram("exponential").record(3)
    meter.create_gauge("g").set(1)
    meter.create_observable_up_down_counter("o", [lambda options: [metrics.Observation(4)]])
    metrics.get_meter("off").create_counter("never").add(1)
    print("REPORT", json.dumps({
        "events": seen,
        "fields": sorted(propagate.get_global_textmap().fields),
        "requests": hasattr(requests.Session.send, "__wrapped__"),
        "leaked": sorted(name for name in os.environ if name.startswith("OTEL_")),
    }))
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The run of all of it: what was printed, and what arrived."""
    from distrokit_dev.receiver import Receiver

    with Receiver() as receiver:
        env = {
            "RECEIVER": receiver.endpoint("http/protobuf"),
            # All of these the file takes the place of.
            "OTEL_SERVICE_NAME": "ignored",
            "OTEL_TRACES_SAMPLER": "always_off",
            "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-a=leak,x-c=leak",
            "OTEL_METRICS_EXEMPLAR_FILTER": "nonsense",
        }
        yield configured(PROGRAM, EVERYTHING, tmp_path_factory.mktemp("everything"), env), receiver.store


def test_nothing_is_said_of_a_file_without_faults(everything):
    result, _ = everything

    assert result.returncode == 0
    # The file has log_level: info.
    (line,) = said(result)
    assert line.startswith("distrokit: from-file: traces → otlp_http http/protobuf http://127.0.0.1:")
    assert line.endswith("no problems")
    assert "ignoring configurator kwargs" not in result.stderr


def test_the_resource_of_a_file(everything):
    _, store = everything
    resource = store.spans()[0].resource

    assert resource["service.name"] == "from-file"
    assert (resource["count"], resource["ratios"], resource["on"], resource["team"]) == (3, [1.0, 2.5], "true", "a b")
    assert resource["process.runtime.name"] == "cpython"
    assert resource["telemetry.distro.name"] == "distrokit"
    assert resource["telemetry.auto.version"]
    assert resource["service.instance.id"]
    assert not {"host.name", "os.type", "process.executable.path"} & set(resource)


def test_the_traces_of_a_file(everything):
    result, store = everything
    spans = {span.name: span for span in store.spans()}

    # The remote parent was sampled, and the file says what that means.
    assert set(spans) == {"s0", "s1", "s2"}
    assert spans["s0"].attributes == {"b": "b", "c": "c"}
    assert result.stdout.count('"name": "s') == 3
    assert '"happened"' in result.stdout
    # Batches of two at most.
    assert len([request for request in store.requests() if hasattr(request, "resource_spans")]) >= 2


def test_the_metrics_of_a_file(everything):
    _, store = everything
    points = {point.name: point for point in store.points()}

    assert set(points) == {"renamed", "plain", "h", "buckets", "summed", "exponential", "o"}
    assert points["renamed"].attributes == {"ok": "y"}
    assert [points[n].kind for n in ("h", "exponential")] == ["exponential_histogram"] * 2
    assert points["buckets"].kind == "histogram"
    assert points["summed"].kind == "sum"
    assert points["o"].kind == "gauge"


def test_the_logs_of_a_file(everything):
    _, store = everything
    logs = store.logs()

    assert sorted(log.body for log in logs if log.body) == ["in a span"] * 3 + ["loud"]
    assert {str(value) for log in logs for value in log.attributes.values()} == {"abc", "2"}
    assert all(len(log.attributes) <= 1 for log in logs)


def test_the_instrumentations_and_propagators_of_a_file(everything):
    import json

    result, _ = everything
    report = json.loads(result.stdout.partition("REPORT ")[2].splitlines()[0])

    assert report["events"] == ["happened"]
    assert report["fields"] == ["b3", "traceparent", "tracestate"]
    assert report["requests"] is False
    # The environment is as the user made it, but for what instrumentations may read at any time.
    # Limits stay up to OpenTelemetry 1.44, which reads them for every log record.
    assert {name for name in report["leaked"] if not name.endswith("_LIMIT")} == {
        "OTEL_CONFIG_FILE",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_SAMPLER",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    }


@pytest.mark.once
def test_explain_shows_what_the_file_says_and_where(tmp_path):
    from commands import in_process

    path = tmp_path / "otel.yaml"
    path.write_text(dedent(EVERYTHING))
    env = {"OTEL_CONFIG_FILE": str(path), "RECEIVER": "http://localhost:4318"}

    text = in_process("explain", env=env).stdout

    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert rows[0] == f"configuration file: {path}"
    assert f"schema_url https://opentelemetry.io/schemas/1.16.0 {path}:12:3" in rows
    assert any(row.startswith(f"root = always_on {path}:23:") for row in rows)
    assert any(row.startswith(f"scope off.*: off {path}:27:") for row in rows)
    assert any(row.startswith('view {"selector": {"instrument_name": "my.counter"') for row in rows)
    assert any(row.startswith("derive event_to_span_event_bridge") for row in rows)


@pytest.mark.parametrize(
    ("semconv", "opt_in"),
    [
        ("http: {semconv: {version: 1, dual_emit: true}}", "http/dup"),
        ("db: {semconv: {version: 1}}, stability_opt_in_list: 'http, gen_ai_latest_experimental'",
         "database,http,gen_ai_latest_experimental"),
        ("gen_ai: {semconv: {version: 1}}", "gen_ai_latest_experimental"),
        ("http: {semconv: {version: 0}}", ""),
    ],
)  # fmt: skip
def test_semantic_conventions_of_instrumentations(tmp_path, semconv, opt_in):
    path = tmp_path / "otel.yaml"
    path.write_text(f'file_format: "1.0"\ninstrumentation/development: {{general: {{{semconv}}}}}')

    plan = planned({"OTEL_CONFIG_FILE": str(path)})

    assert plan.problems == []
    assert plan.settings.get("OTEL_SEMCONV_STABILITY_OPT_IN") == opt_in


MINIMAL = """
    file_format: "1.0"
    tracer_provider:
      processors:
        - simple:
            exporter: {console: }
"""
SPAN = """
    from opentelemetry import trace
    with trace.get_tracer("t").start_as_current_span("hello"):
        pass
    print(type(trace.get_tracer_provider()).__name__)
"""


def test_only_what_the_file_has_is_built(tmp_path):
    program = (
        dedent(SPAN)
        + """
from opentelemetry import metrics, propagate
from opentelemetry._logs import get_logger_provider
print([type(metrics.get_meter_provider()).__module__, type(get_logger_provider()).__module__])
print(propagate.get_global_textmap().fields)
"""
    )
    result = configured(program, MINIMAL, tmp_path)

    assert said(result) == []
    assert '"name": "hello"' in result.stdout
    assert result.stdout.count("opentelemetry.sdk") == 0
    assert result.stdout.endswith("set()\n")


def test_a_file_without_a_tracer_provider_builds_none(tmp_path):
    result = configured(SPAN, 'file_format: "1.0"', tmp_path)

    assert (result.stdout, result.stderr) == ("ProxyTracerProvider\n", "")


@pytest.mark.once
@pytest.mark.parametrize(
    ("disabled", "spans"), [("true", 0), ("${OFF}", 0), ("false", 1), ("${OTEL_SDK_DISABLED:-false}", 0)]
)
def test_disabled(tmp_path, disabled, spans):
    env = {"OFF": "true", "OTEL_SDK_DISABLED": "true"}

    result = configured(SPAN, MINIMAL + f"    disabled: {disabled}\n", tmp_path, env)

    assert result.stdout.count('"name": "hello"') == spans
    # The one ignored variable whose loss nobody would want to find out about later.
    assert [line.partition(":")[2].split(":")[0] for line in said(result)] == (
        [" OTEL_SDK_DISABLED=true"] if spans else []
    )


ACME = """
    from distrokit import (Exporter, IdGenerator, Processor, Propagator, ResourceDetector, Sampler, hookimpl)

    def read(reader):
        return {"word": reader.text("ACME_WORD", "none", key="word"), "times": reader.integer("ACME_TIMES", 1, key="times")}

    def upper(context):
        import dataclasses
        def transform(span):
            span._attributes = {**span.attributes, "acme": context.arguments["word"] * context.arguments["times"]}
            return span
        return transform

    def exporter(options):
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter
        word = options.arguments["word"]
        return ConsoleSpanExporter(formatter=lambda span: f"{word}: {span.name} {span.attributes['acme']} {span.resource.attributes['acme']}\\n")

    def sampler(context):
        from opentelemetry.sdk.trace.sampling import StaticSampler, Decision
        word = context.arguments["word"]
        class Sampler(StaticSampler):
            def get_description(self):
                return word
        return Sampler(Decision.RECORD_AND_SAMPLE)

    def propagator(context):
        from opentelemetry.propagators.textmap import TextMapPropagator
        word = context.arguments["word"]
        class Propagator(TextMapPropagator):
            def extract(self, carrier, context=None, getter=None): return context
            def inject(self, carrier, context=None, setter=None): carrier["acme"] = word
            @property
            def fields(self): return {word}
        return Propagator()

    def ids(context):
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        class Ids(RandomIdGenerator):
            def generate_trace_id(self): return context.arguments["times"]
        return Ids()

    @hookimpl
    def distrokit_processors():
        return [Processor("acme", "traces", "transform", upper, read)]
    @hookimpl
    def distrokit_exporters():
        return [Exporter("acme", "traces", exporter, read)]
    @hookimpl
    def distrokit_samplers():
        return [Sampler("acme", sampler, read)]
    @hookimpl
    def distrokit_propagators():
        return [Propagator("acme", propagator, read)]
    @hookimpl
    def distrokit_id_generators():
        return [IdGenerator("acme", ids, read)]
    @hookimpl
    def distrokit_resource():
        return [ResourceDetector("acme", lambda word, times: {"acme": word}, parameters=read)]
"""
ACME_PROGRAM = """
    from opentelemetry import propagate, trace
    with trace.get_tracer("t").start_as_current_span("hello") as span:
        trace_id = span.get_span_context().trace_id
    print(trace_id, trace.get_tracer_provider().sampler.get_description(), propagate.get_global_textmap().fields)
"""


@pytest.mark.once
def test_a_plugins_components_take_their_arguments_from_the_file(tmp_path):
    path = [write_plugin(tmp_path, "acme", ACME)]
    file = """
        file_format: "1.0"
        resource: {detection/development: {detectors: [{acme: {word: here}}]}}
        propagator: {composite: [{acme: {word: "field"}}]}
        tracer_provider:
          id_generator: {acme: {times: 5}}
          sampler: {acme: {word: chosen}}
          processors:
            - simple: {exporter: {acme: {word: out}}}
            - acme: {word: ha, times: 2}
    """
    result = configured(ACME_PROGRAM, file, tmp_path, path=path)

    assert said(result) == []
    assert result.stdout == "out: hello haha here\n5 chosen {'field'}\n"


@pytest.mark.once
def test_the_same_components_take_their_arguments_from_variables(tmp_path):
    path = [write_plugin(tmp_path, "acme", ACME)]
    env = {
        "ACME_WORD": "ha", "ACME_TIMES": "2", "OTEL_TRACES_SAMPLER": "acme", "OTEL_PYTHON_ID_GENERATOR": "acme",
        "OTEL_TRACES_EXPORTER": "acme", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
        "DISTROKIT_TRACES_PROCESSOR": "simple",
    }  # fmt: skip

    result = instrumented(ACME_PROGRAM, env, path)

    assert said(result) == []
    assert result.stdout.startswith("ha: hello haha ha\n2 ha ")


@pytest.mark.once
@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("times: soon", "otel.yaml:7:14 times=soon: not usable: it must be a whole number from 0 to"),
        ("tims: 2", "otel.yaml:7:14 tims: 'acme' has no such property; it has no effect. Did you mean 'times'?"),
        ("times: [1]", "otel.yaml:7:14 times: expected one value, found a list or a mapping"),
    ],
)
def test_a_plugins_argument_that_is_wrong_costs_the_argument(tmp_path, argument, says):
    path = [write_plugin(tmp_path, "acme", ACME)]

    result = configured(SPAN, MINIMAL + f"        - acme: {{{argument}}}\n", tmp_path, path=path)

    (line,) = said(result)
    assert line.startswith("distrokit: " + says)
    assert '"acme": "none"' in result.stdout


@pytest.mark.once
def test_two_providers_of_one_name_are_both_refused_in_both_modes(tmp_path):
    source = """
        from distrokit import Processor, hookimpl
        @hookimpl
        def distrokit_processors():
            return [Processor("redact", "traces", "transform", lambda context: lambda span: span)]
    """
    path = [write_plugin(tmp_path / name, name, source) for name in ("one", "two")]

    in_file = configured(SPAN, MINIMAL + "        - redact: {}\n", tmp_path, path=path)
    env = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    in_settings = instrumented(SPAN, env, path)

    for result in (in_file, in_settings):
        line = said(result)[0]
        assert line.startswith("distrokit: processor for traces redact: plugin one (")
        assert "plugin two (" in line
        assert "declare the same name; none of them is used" in line


def test_plugins_fill_where_the_file_is_silent_and_insist_where_they_must(tmp_path):
    source = """
        from distrokit import Processor, hookimpl
        @hookimpl
        def distrokit_defaults(environ):
            return {"OTEL_TRACES_SAMPLER": "always_off", "OTEL_PROPAGATORS": "baggage", "OTEL_BSP_SCHEDULE_DELAY": "7",
                    "OTEL_BSP_MAX_QUEUE_SIZE": "7"}
        @hookimpl
        def distrokit_overrides(settings):
            return {"OTEL_BSP_EXPORT_TIMEOUT": "9"}
        @hookimpl
        def distrokit_resource():
            return {"acme": "here", "service.name": "weaker"}
        @hookimpl
        def distrokit_processors():
            return [Processor("redact", "traces", "transform", lambda context: lambda span: span)]
    """
    from commands import in_process

    path = [write_plugin(tmp_path, "acme", source)]
    (tmp_path / "otel.yaml").write_text(
        dedent("""
        file_format: "1.0"
        resource: {attributes: [{name: service.name, value: file}]}
        tracer_provider:
          processors: [{batch: {schedule_delay: 5, export_timeout: 5, exporter: {console: }}}]
        """)
    )
    env = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_TRACES_SAMPLER": "always_on"}

    text = in_process("explain", env=env, path=path).stdout

    rows = [" ".join(line.split()) for line in text.splitlines()]
    place = str(tmp_path / "otel.yaml")
    assert f"schedule_delay_millis = 5 {place}:5:25 (overrides default of plugin acme 1.0=7)" in rows
    assert "max_queue_size = 7 default of plugin acme 1.0" in rows
    assert f"export_timeout_millis = 9 override of plugin acme 1.0 (overrides {place}:5:44=5)" in rows
    assert any(row.startswith("sampler always_off (opentelemetry-sdk") for row in rows)
    assert "baggage" in text
    assert f"service.name file {place}:3:46" in rows
    assert "acme here plugin acme 1.0" in rows
    assert "transform redact (plugin acme 1.0) plugin acme 1.0" in rows
    assert "ignored, since the file takes their place: OTEL_TRACES_SAMPLER" in rows


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (
            "propagator: {composite: [{b4: }, {baggage: }]}",
            "otel.yaml:7:27 b4: there is no such propagator (available: ",
        ),
        (
            "log_levl: info",
            "otel.yaml:7:1 log_levl: unknown key; it has no effect. Did you mean 'log_level'?",
        ),
        ("log_level: loud", "otel.yaml:7:1 log_level='loud': not usable: valid values are "),
        ("propagator: []", "otel.yaml:7:1 propagator: not usable: expected a mapping; it is left out."),
        (
            "distribution: {distrokit: {strct: true}}",
            "otel.yaml:7:28 DISTROKIT_STRCT: there is no setting of this name",
        ),
        (
            "resource: {attributes: [{name: a}]}",
            "otel.yaml:7:25 attributes: it has no value; it is left out. Add value.",
        ),
        (
            "resource: {attributes: [{name: a, value: x, type: int}]}",
            "otel.yaml:7:35 a: the value is not of type int; it is used as text.",
        ),
        (
            "meter_provider: {readers: [{periodic: {exporter: {console: }, cardinality_limits: {default: 5}}}]}",
            "otel.yaml:7:63 cardinality_limits: OpenTelemetry Python does not support it; it has no effect. Run ",
        ),
        (
            "logger_provider: {processors: [{batch: {exporter: {console: }}, simple: {exporter: {console: }}}]}",
            "otel.yaml:7:32 processors: not usable: expected one name with its properties, and there are batch, simple;",
        ),
        (
            "logger_provider: {processors: [{redact: {}}]}",
            "otel.yaml:7:33 redact: there is no such processor for logs (available: batch, ",
        ),
        (
            "instrumentation/development: {python: {requests: {enabled: perhaps}}}",
            "otel.yaml:7:40 requests.enabled: it is neither true nor false; the instrumentation is on.",
        ),
        (
            "attribute_limits: {attribute_count_limit: -1}",
            "otel.yaml:7:20 attribute_count_limit=-1: not usable: it must be 0 or more;",
        ),
        (
            "meter_provider: {readers: []}",
            "otel.yaml:7:18 readers: the list is empty; it exports nothing.",
        ),
        ("a: 1\na: 2", "otel.yaml:8:1 a: duplicate key; the last one is used."),
        ("log_level: ${LEVEL}", "otel.yaml: it refers to variables that are not set: LEVEL (line 7, column 1);"),
        ("disabled: ${OTEL_NOT_SET}", ""),
        ("log_level: INFO", ""),
    ],
)
def test_a_part_that_is_wrong_costs_the_part(tmp_path, monkeypatch, part, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otel.yaml").write_text(dedent(MINIMAL) + part)

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert [item.exporter.name for item in plan.signals["traces"].exporters] == ["console"]
    lines = problems(plan)
    assert lines[0].startswith(says) if says else lines == []


@pytest.mark.once
def test_what_is_wrong_with_a_file_is_said_and_the_application_runs(tmp_path):
    result = configured(SPAN, MINIMAL + "    log_levl: info", tmp_path)

    assert '"name": "hello"' in result.stdout
    assert result.stderr == (
        "distrokit: otel.yaml:7:1 log_levl: unknown key; it has no effect. Did you mean 'log_level'?\n"
    )


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.once
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "otel.yaml: there is no such file in "),
        ("", "otel.yaml: it is empty"),
        ("just text", "otel.yaml: it is not a mapping"),
        ("a: [1\nb: 2", "otel.yaml:2:2: it is not YAML: expected ',' or ']'"),
        ("a:\n\tb: 1", "otel.yaml:2:1: it is not YAML: found character '\\t'"),
        ("log_level: info", "otel.yaml: it has no file_format"),
        ('file_format: "0.4"', "otel.yaml:1:1: file_format 0.4 is not supported, only 1.x"),
        ('file_format: "1.0"\nlog_level: ${1X}', "otel.yaml:2:1: ${1X} is not a valid reference"),
        ('file_format: "1.0"\nlog_level: ${X:?no}', "otel.yaml:2:1: ${X:?no} is not a valid reference"),
        ('file_format: "1.0"\na: !!python/object:os.system {}', "otel.yaml:2:"),
        ("[" * 5000, "otel.yaml: it is nested too deeply"),
        (BOMB, "otel.yaml:"),
        ("a: &a {b: *a}", "otel.yaml:1:8: an alias is inside its own anchor"),
        ("#" * 300_000, "otel.yaml: it is larger than 262,144 bytes"),
        (b"\xff\xfe\x00", "otel.yaml: it is not UTF-8 (byte 0)"),
        (b"a: \x00", "otel.yaml: it is not YAML"),
    ],
)
def test_a_file_that_is_unusable_configures_nothing(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "otel.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml", "OTEL_TRACES_EXPORTER": "console"})

    assert plan.disabled.value
    (line,) = problems(plan)
    assert line.startswith(says)
    assert "telemetry is disabled because the file cannot be read" in line


@pytest.mark.once
@pytest.mark.parametrize("content", [None, "[" * 5000, BOMB])
def test_with_a_file_that_is_unusable_the_application_runs(tmp_path, content):
    if content is not None:
        (tmp_path / "otel.yaml").write_text(content)

    result = instrumented(SPAN, {"OTEL_CONFIG_FILE": "otel.yaml", "OTEL_TRACES_EXPORTER": "console"}, cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, "ProxyTracerProvider\n")
    (line,) = result.stderr.splitlines()
    assert "telemetry is disabled" in line


@pytest.mark.once
@pytest.mark.parametrize("name", ["folder.yaml", "otel.toml"])
def test_a_path_that_is_no_configuration_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.yaml").mkdir()

    (line,) = problems(planned({"OTEL_CONFIG_FILE": name}))

    assert line.startswith(f"{name}: " + ("it is not a file" if "folder" in name else "its name must end in"))


@pytest.mark.once
def test_under_strict_a_wrong_part_ends_the_process(tmp_path):
    result = configured(SPAN, MINIMAL + "    log_levl: x\n    distribution: {distrokit: {strict: true}}\n", tmp_path)

    assert (result.returncode, result.stdout) == (78, "")


@pytest.mark.once
def test_json_is_read_as_well_and_the_old_name_of_the_variable(tmp_path):
    import json

    model = {"file_format": "1.0", "tracer_provider": {"processors": [{"simple": {"exporter": {"console": None}}}]}}
    (tmp_path / "otel.json").write_text(json.dumps(model, indent="\t"))

    result = instrumented(SPAN, {"OTEL_EXPERIMENTAL_CONFIG_FILE": "otel.json"}, cwd=tmp_path)

    assert said(result) == []
    assert '"name": "hello"' in result.stdout


@pytest.mark.once
def test_a_plugin_that_the_file_disables_takes_no_part(tmp_path):
    path = [write_plugin(tmp_path, "acme", ACME)]
    file = MINIMAL + "    distribution: {distrokit: {disabled_plugins: [acme]}}\n"

    result = configured(SPAN, file, tmp_path, path=path)

    assert said(result) == []
    assert "acme" not in result.stdout


@pytest.mark.once
def test_without_a_plugin_that_reads_files_nothing_is_configured(tmp_path):
    env = {"OTEL_CONFIG_FILE": "otel.yaml", "DISTROKIT_DISABLED_PLUGINS": "yaml", "OTEL_TRACES_EXPORTER": "console"}

    result = instrumented(SPAN, env, cwd=tmp_path)

    assert result.stdout == "ProxyTracerProvider\n"
    assert said(result) == [
        (
            "distrokit: OTEL_CONFIG_FILE=otel.yaml: no plugin reads configuration files; telemetry is disabled "
            "because the file cannot be read. Run `pip install 'distrokit[yaml]'`, or unset the variable."
        )
    ]


VIEW = "meter_provider: {readers: [{periodic: {exporter: {console: }}}], views: [{selector: {%s}, stream: {%s}}]}"
RULES = "{rule_based: {rules: [{%s, sampler: {always_off: }}, {sampler: {always_on: }}]}}"


@pytest.mark.parametrize(
    ("selector", "stream", "says"),
    [
        (
            "instrument_name: c",
            "aggregation: {explicit_bucket_histogram: {boundaries: [5, 1]}}",
            "its boundaries are not increasing",
        ),
        (
            "instrument_name: c",
            "aggregation: {explicit_bucket_histogram: {boundaries: [.nan]}}",
            "its boundaries are not increasing",
        ),
        (
            "instrument_name: c",
            "aggregation: {base2_exponential_bucket_histogram: {max_size: 1}}",
            "max_size=1: not usable",
        ),
        ("instrument_name: 'a*'", "name: b", "it may give several instruments one name"),
        ("", "aggregation: {drop: }", "its selector has no criterion"),
        ("instrument_name: '*', instrument_type: histogramm", "aggregation: {drop: }", "the whole view is left out"),
        ("instrument_nam: h, instrument_type: histogram", "aggregation: {drop: }", "the whole view is left out"),
        ("instrument_name: c", "attribute_keys: {excluded: secret}", "the whole view is left out"),
    ],
)
def test_a_mistake_in_a_view_costs_the_whole_view(tmp_path, monkeypatch, selector, stream, says):
    """Without one of its conditions it would fit, and drop, what it is not meant for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otel.yaml").write_text('file_format: "1.0"\n' + VIEW % (selector, stream))

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert plan.views == []
    (line,) = problems(plan)
    assert line.startswith("otel.yaml:2:")
    assert says in line


@pytest.mark.parametrize(
    "condition", ["span_kinds: [clientt]", "attribute_pattern: {key: a}", "attribute_values: {key: n}"]
)
def test_a_mistake_in_a_rule_costs_the_whole_rule(tmp_path, monkeypatch, condition):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otel.yaml").write_text(
        dedent(MINIMAL).rstrip() + "\n  sampler: {composite/development: " + RULES % condition + "}\n"
    )

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert plan.sampler.arguments["properties"] == {"rule_based": {"rules": [{"sampler": {"always_on": None}}]}}
    assert "the whole rule is left out" in problems(plan)[0]


def test_a_number_where_text_is_meant_is_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otel.yaml").write_text(
        "file_format: 1.0\nresource: {attributes: [{name: service.name, value: 123}]}\n"
    )

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert (plan.resource.attributes["service.name"].value, problems(plan)) == ("123", [])


@pytest.mark.parametrize(
    "value", [".inf, type: int", "9e400, type: int", "99999999999999999999, type: int", "abc, type: string_array"]
)
def test_an_attribute_that_no_export_could_carry_is_text(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "otel.yaml").write_text(f'file_format: "1.0"\nresource: {{attributes: [{{name: a, value: {value}}}]}}')

    plan = planned({"OTEL_CONFIG_FILE": "otel.yaml"})

    assert isinstance(plan.resource.attributes["a"].value, str)
    assert "it is used as text" in problems(plan)[0]


@pytest.mark.once
def test_a_mistake_in_the_only_processor_leaves_the_provider(tmp_path):
    file = """
        file_format: "1.0"
        tracer_provider:
          sampler: {always_on: }
          processors: [{batch: {schedule_delay: 100}}]
    """
    result = configured(SPAN, file, tmp_path)

    assert result.stdout.endswith("TracerProvider\n")
    assert said(result) == ["distrokit: otel.yaml:5:17 batch: it has no exporter; it is left out. Add exporter."]


def test_a_processor_named_twice_stands_there_twice(tmp_path):
    path = [write_plugin(tmp_path, "acme", ACME)]
    file = MINIMAL + "        - acme: {word: a}\n        - acme: {word: b, times: 2}\n"
    (tmp_path / "otel.yaml").write_text(dedent(file))
    from commands import in_process

    text = in_process("explain", env={"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}, path=path).stdout

    assert text.count("acme (plugin acme 1.0)") == 2


@pytest.mark.once
def test_a_distros_insistence_beats_the_files_processor(tmp_path):
    from plans import plugin

    (tmp_path / "otel.yaml").write_text(dedent(MINIMAL).replace("simple", "batch"))
    acme = plugin(distrokit_overrides=lambda: {"DISTROKIT_TRACES_PROCESSOR": "simple"})

    plan = planned({"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}, acme=acme)

    assert plan.signals["traces"].exporters[0].processor.name == "simple"


@pytest.mark.once
def test_a_distro_may_bring_a_file_of_its_own_and_block_plugins(tmp_path):
    from plans import plugin

    (tmp_path / "otel.yaml").write_text(dedent(MINIMAL))
    defaults = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "DISTROKIT_DISABLED_PLUGINS": "resource"}

    plan = planned({}, acme=plugin(distrokit_defaults=lambda: defaults))

    assert plan.configuration == str(tmp_path / "otel.yaml")
    assert plan.resource.detectors == []


@pytest.mark.once
@pytest.mark.parametrize(
    "content",
    [
        "${a:-" * 40_000,
        "${" * 100_000,
        "a: &a " + "${HOME}" * 10_000 + "\nb: [" + "*a," * 15_000 + "]",
        "tracer_provider: {processors: [" + "{batch: {}}," * 15_000 + "]}",
    ],
    ids=["references", "openings", "aliases", "faults"],
)
@pytest.mark.timeout(30)  # a hang is what it is about; each takes a second or two
def test_no_small_file_takes_long(tmp_path, content):
    from distrokit_yaml.reading import read_configuration

    (tmp_path / "otel.yaml").write_text('file_format: "1.0"\n' + (content if ":" in content[:20] else f"a: {content}"))

    configuration = read_configuration(str(tmp_path / "otel.yaml"), {"HOME": "x" * 50})

    assert len(configuration.problems) <= 101


@pytest.mark.once
def test_json_beyond_the_basic_plane(tmp_path):
    import json

    path = tmp_path / "otel.json"
    path.write_text(
        json.dumps({"file_format": "1.0", "resource": {"attributes": [{"name": "a", "value": "shop 😀\x7f"}]}})
    )

    assert planned({"OTEL_CONFIG_FILE": str(path)}).resource.attributes["a"].value == "shop 😀\x7f"

"""The example distro ``splunk``: what it takes the place of, at work."""

from __future__ import annotations

import json

import pytest
from plans import plugin, problems
from processes import configured, distrokit, instrumented, said
from releases import needs_yaml
from sinks import http_sink
from vendor_distros import Example

from distrokit.launch.assembly import plan_for

SPLUNK = Example("splunk")
TOKEN = "sesame-street-9"
REALM = {"SPLUNK_REALM": "us0", "SPLUNK_ACCESS_TOKEN": TOKEN}

#: A request, then one of a caller who chose: what came back, what the spans carry, what a child would inherit.
PROGRAM = """
    import logging, os
    import flask
    from opentelemetry import metrics

    logging.basicConfig(format="%(otelTraceSampled)s", level="INFO")
    app = flask.Flask(__name__)

    @app.get("/")
    def home():
        logging.getLogger("shop").info("hello")
        metrics.get_meter("shop").create_counter("orders").add(1)
        return "ok"

    answer = app.test_client().get("/")
    print(answer.headers["Server-Timing"].startswith('traceparent;desc="00-'))
    print(answer.headers["Access-Control-Expose-Headers"])
    app.test_client().get("/", headers={"baggage": "splunk.trace.snapshot.volume=off"})
    # Up to OpenTelemetry 1.44 the SDK reads limits anew for each log record, and so they are left there.
    print(sorted(name for name in os.environ if name.startswith("OTEL_") and not name.endswith("_LIMIT")))
"""
SNAPSHOTS = {"SPLUNK_SNAPSHOT_PROFILER_ENABLED": "true", "SPLUNK_SNAPSHOT_SELECTION_PROBABILITY": "1"}
FILE = """
    file_format: "1.0"
    propagator: {{composite: [tracecontext:, baggage:]}}
    tracer_provider:
      processors: [{{batch: {{exporter: {{otlp_http: {{endpoint: "http://127.0.0.1:{port}/v1/traces"}}}}}}}}]
    meter_provider:
      readers: [{{periodic: {{exporter: {{otlp_http: {{endpoint: "http://127.0.0.1:{port}/v1/metrics"}}}}}}}}]
    logger_provider:
      processors: [{{batch: {{exporter: {{otlp_http: {{endpoint: "http://127.0.0.1:{port}/v1/logs"}}}}}}}}]
"""
MODES = ["environment", pytest.param("file", marks=needs_yaml)]


def shop(mode, port, folder, **more):
    """The program under the distro, in one of the two modes; both get the same variables of the vendor's."""
    env = {**REALM, **SNAPSHOTS, **more}
    path = SPLUNK.published(folder / "site")
    if mode == "file":
        return configured(PROGRAM, FILE.format(port=port), folder, env, path, lean=False)
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    return instrumented(PROGRAM, env, path, lean=False)


@pytest.mark.parametrize("mode", MODES)
def test_what_arrives_is_marked_and_the_response_tells_its_trace(mode, tmp_path, receiver):
    port = int(receiver.endpoint("http/protobuf").rpartition(":")[2])

    result = shop(mode, port, tmp_path, SPLUNK_EXAMPLE_REPORT=str(tmp_path / "report.json"))

    variables = ["OTEL_CONFIG_FILE"] if mode == "file" else ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert result.stdout.splitlines() == ["True", "Server-Timing", str(variables)]
    assert (said(result), result.returncode) == ([], 0)
    assert "True" in result.stderr.splitlines(), "the trace is in the log line"
    chosen, passed_over = receiver.store.spans()
    assert chosen.attributes["splunk.snapshot.profiling"] is True
    assert "splunk.snapshot.profiling" not in passed_over.attributes
    for item in (chosen, receiver.store.points()[0], receiver.store.logs()[0]):
        assert item.resource["telemetry.distro.name"] == "splunk-example"
        assert item.resource["telemetry.distro.version"] == "0.1.0"
        assert item.resource["service.name"] == "unnamed-python-service"
    text = (tmp_path / "report.json").read_text()
    assert json.loads(text)["resource"]["service.name"] == "unnamed-python-service"
    assert TOKEN not in text + result.stdout + result.stderr


@pytest.mark.parametrize("mode", MODES)
def test_the_token_goes_with_every_request(mode, tmp_path):
    with http_sink() as sink:
        result = shop(mode, sink.port, tmp_path)

    assert (said(result), result.returncode) == ([], 0)
    for signal in ("traces", "metrics", "logs"):
        (headers, *_) = sink.headers(f"/v1/{signal}")
        assert headers["x-sf-token"] == TOKEN
        assert headers["user-agent"].startswith("splunk-example/0.1.0 distrokit/")
    assert TOKEN not in result.stdout + result.stderr


def options(environ, signal="traces"):
    """What the exporter of a signal is given."""
    from distrokit.pipeline.component_factory import ComponentFactory

    assembly = SPLUNK.assembled(environ)
    exporter = assembly.plan.signals[signal].exporters[0].exporter
    return ComponentFactory(assembly.plan, assembly.plugins).options(exporter, signal)


def endpoints(plan):
    return {signal: planned.exporters[0].exporter.arguments["endpoint"] for signal, planned in plan.signals.items()}


def test_a_realm_is_endpoints_over_http_and_a_collector_is_stronger():
    plan = SPLUNK.planned(REALM)

    assert endpoints(plan) == {
        "traces": "https://ingest.us0.splunk.example/v2/trace/otlp",
        "metrics": "https://ingest.us0.splunk.example/v2/datapoint/otlp",
        "logs": "http://localhost:4318/v1/logs",
    }
    assert {p.exporters[0].exporter.arguments["protocol"] for p in plan.signals.values()} == {"http/protobuf"}
    assert problems(plan) == []
    mine = SPLUNK.planned({**REALM, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"})
    assert endpoints(mine)["traces"] == "http://c:4318/v1/traces"
    assert endpoints(SPLUNK.planned({"SPLUNK_REALM": "none"}))["traces"] == "http://localhost:4317"


def test_a_realm_may_be_given_in_code():
    given = plan_for({}, SPLUNK.plugins, SPLUNK.installed, settings={"SPLUNK_REALM": "eu1"}, distro=SPLUNK.distro)

    assert endpoints(given.plan)["traces"] == "https://ingest.eu1.splunk.example/v2/trace/otlp"


def test_a_realm_that_is_none_is_said_and_the_application_starts(tmp_path):
    path = SPLUNK.published(tmp_path)
    env = {"SPLUNK_REALM": "https://us0", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}

    result = instrumented("print('runs')", {**env, "OTEL_LOGS_EXPORTER": "none"}, path)
    report = json.loads(distrokit("doctor", "--offline", "--json", env=env, path=path).stdout)

    line = (
        "SPLUNK_REALM=https://us0: not usable: a realm is letters and a number, such as us0; it is treated as unset. "
        "Change or unset SPLUNK_REALM."
    )
    assert (result.stdout, said(result)) == ("runs\n", [f"distrokit: {line}"])
    checks = {check["id"]: (check["verdict"], check["evidence"]) for check in report["checks"]}
    assert checks["splunk-example-service"] == ("warn", "service.name is unnamed-python-service")
    assert any("SPLUNK_REALM" in evidence for _, evidence in checks.values())


def test_grpc_to_a_realm_is_said():
    lines = problems(SPLUNK.planned({**REALM, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}))

    assert [line.partition(";")[0] for line in lines] == [
        "SPLUNK_REALM=us0: traces are sent over grpc, and ingest takes http/protobuf",
        "SPLUNK_REALM=us0: metrics are sent over grpc, and ingest takes http/protobuf",
    ]


@pytest.mark.parametrize(
    ("more", "token"),
    [
        ({}, TOKEN),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "X-SF-Token=mine"}, "mine"),
        ({"OTEL_TRACES_EXPORTER": "otlp/archive"}, None),
    ],
)
def test_the_users_header_is_stronger_and_a_second_destination_gets_no_token(more, token):
    assert options({**REALM, **more}).headers.get("x-sf-token") == token


def test_a_token_may_stand_in_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    assert options({"SPLUNK_ACCESS_TOKEN_FILE": str(file)}, "logs").headers == {"x-sf-token": TOKEN}


def test_its_defaults_and_who_decided():
    plan = SPLUNK.planned({"OTEL_SPAN_LINK_COUNT_LIMIT": "7"})

    assert plan.sampler is not None
    assert (plan.sampler.name, str(plan.sampler.source)) == ("always_on", "distro splunk-example 0.1.0")
    assert {"host", "process"} <= {detector.name for detector in plan.resource.detectors}
    assert plan.settings.get("OTEL_SPAN_EVENT_COUNT_LIMIT") == str(2**31 - 1)
    assert plan.settings.get("OTEL_SPAN_LINK_COUNT_LIMIT") == "7"
    name = plan.resource.attributes["service.name"]
    assert (name.value, str(name.source)) == ("unnamed-python-service", "plugin splunk-example")
    assert SPLUNK.planned({"OTEL_SERVICE_NAME": "shop"}).resource.attributes["service.name"].value == "shop"


def names(components):
    return [component.name for component in components or ()]


@pytest.mark.parametrize(
    ("env", "propagators"),
    [
        ({}, None),
        ({"SPLUNK_SNAPSHOT_PROFILER_ENABLED": "false"}, None),
        ({"SPLUNK_SNAPSHOT_PROFILER_ENABLED": "true"}, ["tracecontext", "baggage", "snapshots"]),
        ({"SPLUNK_SNAPSHOT_PROFILER_ENABLED": "true", "OTEL_PROPAGATORS": "b3"}, ["b3", "snapshots"]),
    ],
)
def test_one_setting_adds_a_propagator_to_whichever_run(env, propagators):
    plan = SPLUNK.planned(env)

    assert (plan.propagators if propagators is None else names(plan.propagators)) == propagators
    assert ("snapshots" in names(plan.signals["traces"].processors)) == bool(propagators)


@needs_yaml
@pytest.mark.parametrize(("setting", "there"), [("", True), ("false", False)])
def test_and_takes_out_one_that_a_file_names(tmp_path, setting, there):
    (tmp_path / "otel.yaml").write_text("file_format: '1.0'\npropagator: {composite: [b3:, snapshots:]}\n")

    env = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "SPLUNK_SNAPSHOT_PROFILER_ENABLED": setting}
    plan = SPLUNK.planned(env)

    assert names(plan.propagators) == ["b3", *(["snapshots"] if there else [])]
    assert problems(plan) == []


def test_the_response_header_can_be_turned_off_and_stands_beside_others():
    def other():
        from distrokit import ResponsePropagator

        return [ResponsePropagator("other", print)]

    others = plugin(distrokit_response_propagators=other)

    assert names(SPLUNK.planned({}, other=others).response_propagators) == ["server-timing", "other"]
    off = {"SPLUNK_TRACE_RESPONSE_HEADER_ENABLED": "false"}
    assert names(SPLUNK.planned(off, other=others).response_propagators) == ["other"]


def test_the_logging_instrumentation_is_applied_and_whoever_disables_it_is_stronger():
    assert SPLUNK.planned().instrumentations["logging"].options == {"inject_trace_context": True}
    off = SPLUNK.planned({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"})
    assert not off.instrumentations["logging"].enabled

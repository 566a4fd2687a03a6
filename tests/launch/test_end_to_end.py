"""The main job: all three signals from a real program to a real receiver, over both protocols."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from distributions import write_plugin
from other_receivers import Agent
from processes import BIN, clean_environ, instrumented, said
from three_signals import THREE_SIGNALS

from distrokit_dev.demo import PROGRAM
from distrokit_dev.receiver import Receiver

PROTOCOLS = ("grpc", "http/protobuf")


def _env(endpoint: str, protocol: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "team=a%20b,service.name=overridden",
    }


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_traces_metrics_and_logs_arrive(receiver, protocol, compression):
    env = {**_env(receiver.endpoint(protocol), protocol), "OTEL_EXPORTER_OTLP_COMPRESSION": compression}

    result = instrumented(THREE_SIGNALS, env, lean=False)

    assert (result.stdout, result.returncode) == ("done\n", 0)
    assert said(result) == []
    (span,) = receiver.store.spans()
    assert (span.name, span.scope.name, span.scope.version) == ("foo", "my.tracer", "1.2")
    assert span.attributes == {"n": [1, 2]}
    assert span.resource["service.name"] == "shop"
    assert span.resource["team"] == "a b"
    assert span.resource["telemetry.distro.name"] == "distrokit"
    assert span.resource["telemetry.sdk.name"] == "opentelemetry"
    assert span.resource["service.instance.id"]
    (log,) = receiver.store.logs()
    assert (log.body, log.severity, log.span_id) == ("hello there", "WARN", span.span_id)
    assert log.resource == span.resource
    (point,) = receiver.store.points()
    assert (point.name, point.value, point.attributes) == ("orders", 3, {"color": "red"})
    assert point.resource == span.resource


def test_the_program_of_the_documentation_needs_no_configuration_but_a_receiver(receiver):
    result = instrumented(PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}, lean=False)

    assert (result.stdout, result.stderr) == ("baz\n", "")
    spans = {span.name: span for span in receiver.store.spans()}
    assert spans["bar"].parent_span_id == spans["foo"].span_id
    assert spans["foo"].resource["service.name"] == f"unknown_service:{os.path.basename(sys.executable)}"


def test_without_an_endpoint_it_goes_to_the_ports_of_the_specification():
    try:
        receiver = Receiver(grpc_port=4317, http_port=4318)
    except OSError:
        pytest.skip("something else listens on 4317 or 4318 of this machine")
    with receiver:
        # Other tests may send there as well, so these two bear a name.
        named = {"OTEL_SERVICE_NAME": "no-endpoint"}
        nothing_set = instrumented(THREE_SIGNALS, named, lean=False)
        over_http = instrumented(THREE_SIGNALS, {**named, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})

    assert (nothing_set.stdout, over_http.stdout) == ("done\n", "done\n")
    assert said(nothing_set) == said(over_http) == []
    for items in (receiver.store.spans(), receiver.store.logs(), receiver.store.points()):
        assert len([item for item in items if item.resource["service.name"] == "no-endpoint"]) == 2


def test_per_signal_settings_beat_general_ones(receiver):
    env = _env("http://127.0.0.1:9", "grpc")
    for name in ("TRACES", "METRICS", "LOGS"):
        env[f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL"] = "http/protobuf"
        env[f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT"] = f"{receiver.endpoint('http/protobuf')}/v1/{name.lower()}"

    instrumented(THREE_SIGNALS, env, lean=False)

    assert len(receiver.store.spans()) == len(receiver.store.logs()) == len(receiver.store.points()) == 1


def test_instrumentations_are_applied_as_upstream_applies_them(receiver):
    program = """
        import logging, threading
        import flask, requests
        from werkzeug.serving import make_server

        app = flask.Flask("shop")

        @app.get("/orders/<number>")
        def order(number):
            logging.getLogger("shop").error("order %s", number)
            return number

        server = make_server("127.0.0.1", 0, app)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(requests.get(f"http://127.0.0.1:{server.port}/orders/5", timeout=9).text)
        server.shutdown()
    """
    result = instrumented(program, _env(receiver.endpoint("grpc"), "grpc"), lean=False)

    assert result.stdout == "5\n"
    client, server = sorted(receiver.store.spans(), key=lambda span: span.start)
    assert (client.kind, server.kind, server.name) == ("client", "server", "GET /orders/<number>")
    assert (server.parent_span_id, server.trace_id) == (client.span_id, client.trace_id)
    (log,) = [log for log in receiver.store.logs() if log.body == "order 5"]
    assert (log.trace_id, log.span_id) == (server.trace_id, server.span_id)
    assert {point.name.split(".")[1] for point in receiver.store.points()} == {"client", "server"}


def test_a_disabled_instrumentation_is_not_applied():
    result = instrumented(
        "import flask, requests; print(flask.Flask.__module__, hasattr(requests.Session.send, '__wrapped__'))",
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": " flask , nothing", "OTEL_TRACES_EXPORTER": "none"},
    )

    assert result.stdout == "flask.app True\n"


def test_console_and_a_sampler_keep_working_by_name():
    program = """
        from opentelemetry import propagate, trace
        print(trace.get_tracer_provider().sampler.get_description(), sorted(propagate.get_global_textmap().fields))
        with trace.get_tracer("t").start_as_current_span("s"):
            pass
    """
    env = {
        "OTEL_TRACES_EXPORTER": "Console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "1.0",
        "OTEL_PROPAGATORS": "b3,b3,tracecontext",
    }
    result = instrumented(program, env)

    first, rest = result.stdout.split("\n", 1)
    assert first == "TraceIdRatioBased{1.0} ['b3', 'traceparent', 'tracestate']"
    assert json.loads(rest)["name"] == "s"


def test_the_plugins_default_for_propagators_takes_effect(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_PROPAGATORS": "baggage"}
    """
    program = "from opentelemetry import propagate; print(sorted(propagate.get_global_textmap().fields))"
    path = [write_plugin(tmp_path, "acme", source)]

    assert instrumented(program, path=path).stdout == "['baggage']\n"
    assert "traceparent" in instrumented(program, {"OTEL_PROPAGATORS": "tracecontext"}, path).stdout


def test_the_launchers_options_are_distrokits_settings(receiver):
    result = instrumented(
        "print('ran')",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "DISTROKIT_STRICT": "0"},
        options=["--distrokit_strict", "1", "--traces_exporter", "consol"],
    )

    assert (result.stdout, result.returncode) == ("", 78)


def test_two_pipelines_are_never_built():
    program = """
        import threading
        from opentelemetry import trace
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        first = trace.get_tracer_provider()
        initialize()
        trace.get_tracer("t").start_span("s").end()
        print(trace.get_tracer_provider() is first, sorted(t.name for t in threading.enumerate()))
    """
    env = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "console"}
    result = instrumented(program, env)

    assert result.stdout.startswith("True ['MainThread', 'distrokit-traces']\n")
    assert result.stdout.count('"name": "s"') == 1
    assert result.stderr == ""


def test_a_provider_that_the_process_already_has_stays(tmp_path):
    # Something a plugin's import could do, and an application that is configured twice does.
    source = """
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.trace import TracerProvider
        from distrokit import hookimpl

        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
        metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))

        @hookimpl
        def distrokit_resource():
            return {"ours": True}
    """
    program = """
        import threading
        from opentelemetry import metrics, trace

        metrics.get_meter("m").create_counter("c").add(1)
        trace.get_tracer("t").start_span("s").end()
        print("ours" in trace.get_tracer_provider().resource.attributes, [t.name for t in threading.enumerate()])
    """
    result = instrumented(program, path=[write_plugin(tmp_path, "early", source)])

    lines = [line for line in said(result) if "the process already has" in line]
    assert [line.split(":")[1].strip() for line in lines] == ["traces", "metrics"]
    assert result.stdout == "False ['MainThread']\n"


def test_metrics_are_scraped_where_the_exporter_is_a_reader(tmp_path):
    source = """
        from distrokit import Exporter, Processor, hookimpl

        def make(options):
            from opentelemetry.sdk.metrics.export import InMemoryMetricReader
            return InMemoryMetricReader()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("pull", "metrics", make)]

        @hookimpl
        def distrokit_processors():
            return [Processor("t", "metrics", "transform", lambda context: lambda data: data)]
    """
    program = """
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        print(isinstance(metrics.get_meter_provider(), MeterProvider))
    """
    env = {"OTEL_METRICS_EXPORTER": "pull"}
    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert result.stdout == "True\n"
    (line,) = said(result)
    assert "it is scraped, so no processor stands in front of it" in line


@pytest.mark.parametrize("from_plugin", [False, True])
def test_what_only_the_exporter_reads_reaches_it_from_the_environment_and_from_a_plugin(
    from_plugin, receiver, tmp_path
):
    preference = {
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
    }
    source = f"""
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {preference if from_plugin else {}}
    """
    env = {**_env(receiver.endpoint("grpc"), "grpc"), **({} if from_plugin else preference)}
    program = """
        import os
        from opentelemetry import metrics
        metrics.get_meter("m").create_histogram("h").record(3)
        print([name for name in os.environ if "HISTOGRAM" in name])
    """

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert [point.kind for point in receiver.store.points()] == ["exponential_histogram"]
    assert result.stdout == ("[]\n" if from_plugin else f"{list(preference)}\n")


def test_a_program_that_ends_by_signal_keeps_its_status(receiver):
    command = [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", "import time; print(1); time.sleep(60)"]
    env = clean_environ({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM


# ------------------------------------------------------------------ a receiver that is not ours


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with Agent() as running:
        yield running


@pytest.mark.once
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_foreign_receiver_gets_all_three_signals(agent, protocol):
    mark = f"mark-{protocol.replace('/', '-')}"
    env = {**_env(agent.endpoint(protocol), protocol), "OTEL_SERVICE_NAME": mark}

    result = instrumented(THREE_SIGNALS, env, lean=False)

    assert result.returncode == 0, result.stderr

    def found(signal_name: str, groups: str, scopes: str) -> list[dict]:
        return [
            scope
            for request in agent.received(signal_name)
            for group in request[groups]
            if {"key": "service.name", "value": {"string_value": mark}} in group["resource"]["attributes"]
            for scope in group[scopes]
        ]

    (traces,) = found("traces", "resource_spans", "scope_spans")
    (span,) = traces["spans"]
    assert (traces["scope"]["name"], span["name"]) == ("my.tracer", "foo")
    assert len(base64.b64decode(span["trace_id"])) == 16
    (metrics,) = found("metrics", "resource_metrics", "scope_metrics")
    assert [metric["name"] for metric in metrics["metrics"]] == ["orders"]
    (logs,) = found("logs", "resource_logs", "scope_logs")
    assert logs["log_records"][0]["body"] == {"string_value": "hello there"}

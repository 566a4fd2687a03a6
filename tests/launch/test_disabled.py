"""``OTEL_SDK_DISABLED``: nothing is recorded, built or sent; context goes through, and log formats work, as upstream."""

from __future__ import annotations

from textwrap import dedent

import pytest
from commands import in_process
from distributions import write_plugin
from processes import BIN, LEAN, run, said

from distrokit_dev.receiver import Receiver

LAUNCHERS = {"distrokit": [str(BIN / "distrokit"), "run"], "upstream": [str(BIN / "opentelemetry-instrument")]}
DISABLED = {"OTEL_SDK_DISABLED": "true"}
CORRELATED = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django", "OTEL_PYTHON_LOG_CORRELATION": "true"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
#: A server in the middle of a trace: what it is asked with, and what it asks the next one with.
MIDDLE = """
import logging, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import flask, requests

own = "%(otelTraceID)s %(otelSpanID)s %(otelTraceSampled)s%(otelServiceName)s %(message)s"
logging.basicConfig(stream=sys.stdout, format=own, force=True)

class Next(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.headers["traceparent"], self.headers["baggage"], self.headers["b3"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args): ...

behind = HTTPServer(("127.0.0.1", 0), Next)
threading.Thread(target=behind.serve_forever, daemon=True).start()
app = flask.Flask("middle")

@app.route("/")
def page():
    logging.warning("asked")
    session = requests.Session()
    session.trust_env = False
    return str(session.get(f"http://127.0.0.1:{behind.server_address[1]}/").status_code)

headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "baggage": "tenant=acme"}
print(app.test_client().get("/", headers=headers).text)
logging.warning("outside")
"""


@pytest.fixture
def middle(tmp_path):
    (tmp_path / "middle.py").write_text(MIDDLE)

    def run_it(env, launcher="distrokit", **files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(dedent(text))
        command = [*LAUNCHERS[launcher], str(BIN / "python"), "middle.py"]
        return run(command, {**CORRELATED, **env}, cwd=tmp_path)

    return run_it


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_context_goes_through_and_the_log_format_works(middle, launcher):
    with Receiver() as receiver:
        result = middle({**DISABLED, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}, launcher)

        assert (result.stderr, result.returncode) == ("", 0)
        asked, behind, status, outside = result.stdout.splitlines()
        assert asked == f"{TRACE} b7ad6b7169203331 True asked"
        assert behind == f"00-{TRACE}-b7ad6b7169203331-01 tenant=acme None"
        assert (status, outside) == ("204", "0 0 False outside")
        assert [receiver.store.spans(), receiver.store.logs(), receiver.store.points()] == [[], [], []]


FILE = """
    file_format: "1.0"
    disabled: true
"""
IN_FILE = {
    "": f"00-{TRACE}-b7ad6b7169203331-01 tenant=acme None",
    "propagator: {composite: [{tracecontext: }]}": f"00-{TRACE}-b7ad6b7169203331-01 None None",
    "propagator: {composite_list: none}": "None None None",
}


@pytest.mark.parametrize("propagator", IN_FILE)
def test_a_file_that_disables_says_which_propagators_run(middle, propagator):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")

    result = middle({"OTEL_CONFIG_FILE": "otel.yaml"}, otel=f"{FILE}    {propagator}\n")

    assert result.stdout.splitlines()[1] == IN_FILE[propagator]
    assert result.stderr == ""


def test_propagators_of_plugins_are_built_and_other_parts_are_not(middle, tmp_path):
    source = """
        import sys
        from distrokit import Exporter, Processor, Propagator, ResourceDetector, Sampler, hookimpl
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        class Loud(TraceContextTextMapPropagator):
            def inject(self, carrier, context=None, setter=None):
                carrier["b3"] = "loud"

        def no(*arguments):
            raise RuntimeError("this is called")

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_PROPAGATORS": "loud"}

        @hookimpl
        def distrokit_propagators():
            return [Propagator("loud", lambda options: Loud())]

        @hookimpl
        def distrokit_resource():
            return [ResourceDetector("loud", no)]

        @hookimpl
        def distrokit_samplers():
            return [Sampler("loud", no)]

        @hookimpl
        def distrokit_exporters():
            return [Exporter("loud", ("traces",), no)]

        @hookimpl
        def distrokit_processors():
            return [Processor("loud", ("traces",), "enrich", no)]

        @hookimpl
        def distrokit_started(pipeline):
            no()

        @hookimpl
        def distrokit_instrumented(pipeline):
            no()
    """
    path = write_plugin(tmp_path / "site", "loud", source)
    loud = dict.fromkeys(("OTEL_TRACES_SAMPLER", "OTEL_TRACES_EXPORTER"), "loud")

    result = middle({**DISABLED, **loud, "OTEL_METRICS_EXPORTER": "none", "PYTHONPATH": str(path)})

    assert said(result) == []
    assert result.stdout.splitlines()[1] == "None None loud"


def test_no_thread_runs_and_nothing_is_registered_for_the_end(tmp_path):
    program = """
        import logging, signal, threading
        from opentelemetry import _logs, metrics, trace
        trace.get_tracer("t").start_span("s").end()
        metrics.get_meter("m").create_counter("c").add(1)
        logging.getLogger("a").warning("said")
        providers = trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()
        print(*(type(provider).__name__ for provider in providers))
        print(threading.active_count(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    """
    (tmp_path / "app.py").write_text(dedent(program))
    result = run([*LAUNCHERS["distrokit"], str(BIN / "python"), "app.py"], {**LEAN, **DISABLED}, cwd=tmp_path)

    assert result.stdout == "ProxyTracerProvider _ProxyMeterProvider ProxyLoggerProvider\n1 True\n"
    assert (result.stderr, result.returncode) == ("said\n", 0)


@pytest.mark.parametrize("strict", ["", "1"])
def test_a_problem_does_not_keep_a_disabled_program_from_running(middle, strict):
    """It is switched off because of such things."""
    result = middle({**DISABLED, "DISTROKIT_STRICT": strict, "OTEL_TRACES_EXPORTER": "nothing"})

    assert (len(said(result)), result.returncode) == (1, 0)
    assert result.stdout.splitlines()[1].startswith(f"00-{TRACE}-")


def test_instrumentations_are_turned_off_besides(middle):
    result = middle({**DISABLED, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"})

    assert "Logging error" in result.stderr
    assert "None None None" in result.stdout


def test_the_plan_says_what_is_at_work():
    off = {**DISABLED, "OTEL_LOG_LEVEL": "info"}
    words = "only propagators and instrumentations are active"

    assert in_process("explain", env=off).stdout.startswith(f"DISABLED by OTEL_SDK_DISABLED: {words}")
    assert f"telemetry is off: OTEL_SDK_DISABLED; {words}" in in_process("doctor", "--offline", env=off).stdout


def test_the_line_at_the_start_says_it(middle):
    (line,) = said(middle({**DISABLED, "OTEL_LOG_LEVEL": "info", "OTEL_SERVICE_NAME": "shop"}))

    assert line == (
        "distrokit: shop: nothing is recorded or sent (OTEL_SDK_DISABLED); propagators tracecontext, baggage;"
        " 1 instrumentation, and flask, requests later; no problems"
    )

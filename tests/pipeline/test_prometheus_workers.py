"""The page that Prometheus scrapes, of servers with workers and of a port that somebody else has."""

from __future__ import annotations

import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from answering import closed_port
from applications import start
from plans import planned
from processes import LEAN, QUIET, instrumented
from releases import skip_without

from distrokit_components.prometheus_checks import checks

BIN = Path(sys.executable).parent
APP = """
import os
from opentelemetry import metrics
counter = metrics.get_meter("m").create_counter("requests")

def wsgi(environ, start_response):
    counter.add(1)
    open(f"served-{os.getpid()}", "w").close()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    counter.add(1)
    open(f"served-{os.getpid()}", "w").close()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
GUNICORN = ["gunicorn", "app:wsgi", "-b", "127.0.0.1:{port}", "--no-control-socket"]
UVICORN = ["uvicorn", "app:asgi", "--port", "{port}", "--log-level", "critical", "--lifespan", "off"]


def page(port):
    """The text, empty when nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("command", "workers"),
    [([*GUNICORN, "-w", "1"], 1), ([*GUNICORN, "-w", "1", "--preload"], 1), ([*UVICORN, "--workers", "2"], 2)],
)
def test_a_worker_has_the_page(tmp_path, command, workers):
    skip_without(command[0])
    (tmp_path / "app.py").write_text(APP)
    port, scraped = closed_port(), closed_port()
    words = [part.format(port=port) for part in command]
    env = {
        **QUIET,
        **LEAN,
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(scraped),
        "PYTHONPATH": str(tmp_path),
    }
    app = start([str(BIN / words[0]), *words[1:]], "http://127.0.0.1:9", "http/protobuf", tmp_path, env)
    try:
        app.until(lambda: page(port) == "ok", "answer", 30)
        # The main process, which is there before its workers are, has not taken the port.
        app.until(lambda: "requests_total" in page(scraped), "page", 20)
        # Each worker has measured, so each has tried to listen.
        app.until(lambda: page(port) and len([*tmp_path.glob("served-*")]) == workers, f"{workers} workers", 60)
        if workers > 1:
            # One that finds the port taken says so after two seconds.
            time.sleep(8)
        app.signal(15)
        app.end(30)
    finally:
        if app.process.poll() is None:
            app.kill()

    lines = [line for line in app.err.splitlines() if "OTEL_EXPORTER_PROMETHEUS_PORT" in line]
    assert len(lines) == workers - 1, app.err
    assert all("OTEL_METRICS_EXPORTER=otlp" in line for line in lines)


def test_a_child_begins_with_nothing():
    program = """
        import os
        import prometheus_client
        from opentelemetry import metrics
        counter = metrics.get_meter("m").create_counter("c")
        counter.add(5)
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        else:
            counter.add(1)
            page = prometheus_client.generate_latest().decode()
            print([line for line in page.splitlines() if "c_total{" in line], flush=True)
            os._exit(0)
    """
    env = {**QUIET, "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}
    result = instrumented(program, env)

    assert result.stdout.rstrip().endswith("} 1.0']"), result.stdout + result.stderr


def test_a_port_that_is_taken_is_said_once_and_taken_over_when_it_is_free():
    port = closed_port()
    program = """
        import socket, time, urllib.request
        from opentelemetry import metrics

        def page():
            try:
                return urllib.request.urlopen("http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
            except OSError:
                return ""

        with socket.create_server(("127.0.0.1", {port})):
            metrics.get_meter("m").create_counter("c").add(1)
            print("goes on", flush=True)
            time.sleep(3)
        deadline = time.monotonic() + 20
        while "c_total" not in page() and time.monotonic() < deadline:
            time.sleep(0.1)
        print("c_total" in page())
    """
    env = {**QUIET, "OTEL_METRICS_EXPORTER": "prometheus,console", "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
           "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}  # fmt: skip
    result = instrumented(program.replace("{port}", str(port)), env)

    (line,) = [line for line in result.stderr.splitlines() if "OTEL_EXPORTER_PROMETHEUS_PORT" in line]
    assert "Address already in use" in line
    assert '"name": "c"' in result.stdout
    assert "goes on\nTrue\n" in result.stdout


@pytest.mark.parametrize(
    ("argv", "verdict", "told"),
    [
        (["gunicorn", "-w", "4", "app:app"], "warn", "gunicorn has 4 workers"),
        (["gunicorn", "-w4", "app:app"], "warn", "gunicorn has 4 workers"),
        (["/usr/bin/uvicorn", "--workers=2", "app:app"], "warn", "uvicorn has 2 workers"),
        (["gunicorn", "-w", "1", "app:app"], "ok", "is free"),
        (["python", "app.py"], "ok", "is free"),
    ],
)
def test_doctor_says_it(argv, verdict, told):
    env = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(closed_port())}
    (found,) = checks(planned(env), argv)

    assert (found.id, found.verdict, told in found.evidence) == ("prometheus-port", verdict, True), found
    assert bool(found.remedy) == (verdict != "ok")


def test_doctor_says_that_the_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        env = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1"}
        (found,) = checks(planned({**env, "OTEL_EXPORTER_PROMETHEUS_PORT": port}), ["python", "app.py"])

    assert found.verdict == "warn"
    assert "Address already in use" in found.evidence
    assert list(checks(planned({}), ["python"])) == []

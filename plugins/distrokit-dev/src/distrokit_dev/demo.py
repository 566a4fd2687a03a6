"""``distrokit demo``: a real program, launcher and receiver, end to end.

A receiver on free loopback ports; the program of OpenTelemetry's documentation, unchanged, under the real
``opentelemetry-instrument``; it sends spans over OTLP, and the demo shows the received ones.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from distrokit_dev.launcher import NAME, launcher
from distrokit_dev.received import ReceivedSpan
from distrokit_dev.receiver import Receiver

PROGRAM = """\
from opentelemetry import trace

with trace.get_tracer("my.tracer").start_as_current_span("foo"):
    with trace.get_tracer("my.tracer").start_as_current_span("bar"):
        print("baz")
"""

#: Seconds that the program may run, and that its spans may take to arrive afterwards.
PROGRAM_TIMEOUT, TRAVEL_TIMEOUT = 60, 10


def demo(protocol: str = "grpc", *, as_json: bool = False) -> int:
    """Run the demo, and print the result.

    Args:
        protocol: ``grpc`` or ``http/protobuf``.
        as_json: print JSON instead of text.

    Returns: 0 only if both spans arrived and ``bar`` is the child of ``foo``.
    """
    with Receiver() as receiver:
        run = run_instrumented(PROGRAM, environment(os.environ, receiver.endpoint(protocol), protocol))
        receiver.store.wait_until(lambda: len(receiver.store.spans()) >= 2, TRAVEL_TIMEOUT)
        spans = receiver.store.spans()
    complaint = verdict(run, spans)
    if as_json:
        print(_json(protocol, run, spans, complaint))
    else:
        from distrokit_dev.show import show_demo

        show_demo(protocol, PROGRAM, run.stdout, run.stderr, spans, complaint)
    return 1 if complaint else 0


def environment(environ: Mapping[str, str], endpoint: str, protocol: str) -> dict[str, str]:
    """Return the environment without telemetry settings, but with those for the receiver."""
    kept = {name: text for name, text in environ.items() if not name.startswith(("OTEL_", "DISTROKIT_"))}
    return {
        **kept,
        "OTEL_SERVICE_NAME": "distrokit-demo",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        # A proxy must not get loopback traffic.
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def run_instrumented(program: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program under ``opentelemetry-instrument``, and wait until it ends."""
    with tempfile.TemporaryDirectory(prefix="distrokit-demo-") as folder:
        path = Path(folder, "no_configuration.py")
        path.write_text(program, encoding="utf-8")
        command = [launcher() or NAME, sys.executable, str(path)]
        try:
            return subprocess.run(
                command,
                env=dict(environ),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=PROGRAM_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"killed after {error.timeout} seconds"
            return subprocess.CompletedProcess(command, 1, "", message)


def verdict(run: subprocess.CompletedProcess[str], spans: list[ReceivedSpan]) -> str:
    """Return the problem; empty if the result is correct."""
    by_name = {span.name: span for span in spans}
    if run.returncode != 0:
        return f"the program ended with exit code {run.returncode}"
    if set(by_name) != {"foo", "bar"} or len(spans) != 2:
        return f"expected the spans foo and bar, received {', '.join(sorted(by_name)) or 'nothing'}"
    foo, bar = by_name["foo"], by_name["bar"]
    if foo.parent_span_id or (bar.trace_id, bar.parent_span_id) != (foo.trace_id, foo.span_id):
        return "bar is not the child of foo"
    return ""


def _json(protocol: str, run: subprocess.CompletedProcess[str], spans: list[ReceivedSpan], complaint: str) -> str:
    data = {
        "ok": not complaint,
        "problem": complaint or None,
        "protocol": protocol,
        "program": {"source": PROGRAM, "exit_code": run.returncode, "stdout": run.stdout, "stderr": run.stderr},
        "spans": [dataclasses.asdict(span) for span in spans],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)

"""``distrokit tail`` that ends without a trace: real programs and real requests of other protocols."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request

import pytest
from processes import distrokit

from distrokit_dev.receiver import Receiver
from distrokit_dev.tail.nothing import why_no_traces
from distrokit_dev.tail.totals import Totals

LOGS = "import logging; logging.error('declined')"
ASK = "`distrokit doctor -- COMMAND` checks all of this."


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (
            ["--", "python", "-c", "print('ran')"],
            {},
            "(http): it recorded nothing, or it ran without instrumentation (another Python, -I, a pex file).\n" + ASK,
        ),
        (
            ["--", "python", "-c", LOGS],
            {},
            "\nNo spans arrived, only 1 log record: no span was created, or a sampler or a transform dropped all; most spans come"
            " from instrumentations.\n" + ASK,
        ),
        (
            ["--", "python", "-c", LOGS],
            {"OTEL_TRACES_EXPORTER": "none"},
            "\nNo spans arrived, only 1 log record: OTEL_TRACES_EXPORTER=none.\n",
        ),
    ],
)
def test_a_program_that_sent_no_span(words, env, said):
    result = distrokit("tail", *words, env=env)

    assert said in result.stdout
    assert result.returncode == 0


def test_nobody_is_told_who_did_not_ask():
    shown = distrokit("tail", "--signal", "logs", "--", "python", "-c", LOGS)
    machine = distrokit("tail", "--json", "--", "python", "-c", "pass")

    assert "No spans arrived" not in shown.stdout
    assert machine.stdout == ""
    assert "No telemetry arrived at 127.0.0.1:" in machine.stderr


def test_what_came_and_was_refused_is_said():
    with Receiver() as receiver:
        port = receiver.http_port
        for begin in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\n", b"\x16\x03\x01again\n"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(begin)
                with contextlib.suppress(OSError):
                    client.recv(1024)
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/spans", data=b"x", timeout=5)
        deadline = time.monotonic() + 5
        while len(receiver.store.refused) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)

        lines = why_no_traces(Totals(), receiver, [], {}, ())

    assert lines == [
        f"No telemetry arrived at 127.0.0.1:{receiver.grpc_port} (grpc) and 127.0.0.1:{port} (http).",
        f"Refused: grpc on port {port}, which accepts plain http only",
        f"Refused: TLS on port {port}, which accepts plain http only",
        "Refused: over http: there is no /v1/spans, only /v1/traces, /v1/metrics, /v1/logs",
        "Has the application's OTEL_EXPORTER_OTLP_ENDPOINT this address? In a container, localhost is that container.",
        "Does its protocol match the port? Was it started with a launcher: distrokit run ...?",
        "`distrokit doctor -- python app.py` checks all of this.",
    ]

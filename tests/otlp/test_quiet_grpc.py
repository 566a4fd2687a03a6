"""grpc's C library writes nothing to stderr by itself."""

from __future__ import annotations

import signal

import pytest
from answering import Authority
from peers import TLS, grpc_peer
from processes import BRIEF, instrumented

TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "DISTROKIT_OTLP_GRPC": "grpcio"}
ITS_OWN = "ssl_transport_security"
UNKNOWN = """
    import os
    from opentelemetry import trace
    trace.get_tracer("t").start_span("hello").end()
    trace.get_tracer_provider().force_flush()
    print(os.environ.get("GRPC_VERBOSITY"))
"""


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """Of an authority that nobody knows."""
    with grpc_peer(tls=TLS(Authority(tmp_path_factory.mktemp("authority")))) as peer:
        yield peer


def test_a_failed_handshake(peer):
    result = instrumented(UNKNOWN, {**TRACES, "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint})

    assert result.stdout == "None\n"
    (line,) = result.stderr.splitlines()
    assert "otlp traces" in line


@pytest.mark.parametrize(
    ("env", "left"), [({"OTEL_LOG_LEVEL": "debug"}, "None"), ({"GRPC_VERBOSITY": "DEBUG"}, "DEBUG")]
)
def test_those_who_ask_for_it_see_it(peer, env, left):
    result = instrumented(UNKNOWN, {**TRACES, **env, "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint})

    assert result.stdout == f"{left}\n"
    assert ITS_OWN in result.stderr


@pytest.mark.parametrize("transport", ["h2", "grpcio"])
@pytest.mark.usefixtures("without_coverage")
def test_an_application_that_closes_its_descriptors(transport):
    program = """
        import os, time
        from opentelemetry import trace
        trace.get_tracer("t").start_span("hello").end()
        trace.get_tracer_provider().force_flush()
        os.closerange(3, 4096)
        time.sleep(0.5)
        print("goes on")
        trace.get_tracer("t").start_span("hello").end()
    """
    with grpc_peer() as peer:
        result = instrumented(
            program, {**TRACES, **BRIEF, "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, "DISTROKIT_OTLP_GRPC": transport}
        )

    # grpcio may find its own descriptor gone and abort the process, as docs/reliability.md says.
    assert result.returncode in ((0, -signal.SIGABRT) if transport == "grpcio" else (0,))
    assert len(result.stderr.splitlines()) < 5

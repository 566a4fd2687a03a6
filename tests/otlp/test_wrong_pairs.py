"""Settings and a receiver that do not belong together: the running process names the setting to change, in one line."""

from __future__ import annotations

import time

import pytest
from answering import Authority, silent
from exporting import exporting
from peers import PEERS, TLS, first, reset_in_body, tls_faults
from processes import BRIEF, configured, instrumented
from releases import needs_yaml

from distrokit import ExporterOptions, Settings
from distrokit_otlp.diagnosis.diagnosis import Diagnosis

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
GRPC, HTTP = PEERS


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def ca(authority: Authority) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem")}


def cause_of(protocol: str, signal: str, peer, env: dict[str, str]) -> str:
    with exporting(protocol, signal, peer, env) as sent:
        begin = time.monotonic()
        left = sent.attempt("abc", 4)
        assert time.monotonic() - begin < 4
        assert not sent.arrived
        return left.cause


@pytest.mark.parametrize(("protocol", "signal"), [(GRPC, "traces"), (HTTP, "logs")])
def test_tls_is_asked_of_plaintext(protocol, signal):
    with PEERS[protocol]() as peer:
        cause = cause_of(protocol, signal, peer, {ENDPOINT: peer.endpoint.replace("http", "https")})
        assert cause == (
            f"127.0.0.1:{peer.port} speaks plaintext, and TLS was sent (export {ENDPOINT}={peer.endpoint})"
        )


@pytest.mark.parametrize(("protocol", "signal"), [(GRPC, "metrics"), (HTTP, "traces")])
def test_plaintext_is_sent_to_tls(protocol, signal, authority):
    with PEERS[protocol](tls=TLS(authority)) as peer:
        cause = cause_of(protocol, signal, peer, {ENDPOINT: peer.endpoint.replace("https", "http")})
        assert cause == f"127.0.0.1:{peer.port} speaks TLS, and plaintext was sent (export {ENDPOINT}={peer.endpoint})"


SPEAKS = {GRPC: "HTTP/1, which is not grpc", HTTP: "HTTP/2 only, which is grpc"}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("protocol", "other"), [(GRPC, HTTP), (HTTP, GRPC)])
def test_the_other_protocol(protocol, other, tls, authority):
    with PEERS[other](tls=TLS(authority) if tls else None) as peer:
        cause = cause_of(protocol, "traces", peer, ca(authority) if tls else {})
        wanted = f"speaks {SPEAKS[protocol]}, and {protocol} was sent (export OTEL_EXPORTER_OTLP_PROTOCOL={other})"
        assert cause == f"127.0.0.1:{peer.port} {wanted}"


@pytest.mark.parametrize("protocol", PEERS)
def test_an_unknown_authority(protocol, authority):
    with PEERS[protocol](tls=TLS(authority)) as peer:
        cause = cause_of(protocol, "logs", peer, {})
        assert "has a certificate of an unknown authority" in cause
        assert cause.endswith("(export OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/the/ca.pem)")


@pytest.mark.parametrize("protocol", PEERS)
def test_a_client_certificate_that_is_wanted(protocol, authority):
    with PEERS[protocol](tls=tls_faults(authority)["client certificate required"]) as peer:
        cause = cause_of(protocol, "traces", peer, ca(authority))
        assert f"127.0.0.1:{peer.port} requires a client certificate that it trusts" in cause
        assert (
            "(export OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/path/to/client.pem OTEL_EXPORTER_OTLP_CLIENT_KEY=" in cause
        )


# ------------------------------------------------------------------------------ and nothing else


def test_a_connection_that_breaks_is_looked_at_once_and_stays_what_it_is():
    with PEERS[HTTP](first(3, reset_in_body())) as peer, exporting(HTTP, "traces", peer) as sent:
        for _ in range(2):
            assert "Connection aborted" in sent.attempt("abc").cause
        # A request for each, and two connections of the one look.
        assert peer.ledger.connections <= 2 + 2


def test_what_was_seen_is_over_when_a_receiver_answers(authority):
    with PEERS[HTTP](tls=TLS(authority)) as peer:
        plain = {ENDPOINT: peer.endpoint.replace("https", "http")}
        with exporting(HTTP, "traces", peer, plain) as sent:
            assert "speaks TLS" in sent.attempt("abc").cause
            peer.stop()
            peer.tls = None
            peer.start()
            assert sent.attempt("abc") is None
            peer.behave(reset_in_body())
            assert "Connection aborted" in sent.attempt("abc").cause


def test_a_look_takes_no_longer_than_there_is_time():
    from distrokit import ExporterOptions
    from distrokit.settings.layers import Settings

    with silent() as port:
        options = ExporterOptions(
            name="otlp", signal="traces", endpoint=f"http://127.0.0.1:{port}", settings=Settings(),
            arguments={"protocol": HTTP},
        )  # fmt: skip
        for seconds in (0.4, 0.0, -1.0):
            begin = time.monotonic()
            assert Diagnosis(options).explain("Connection aborted", seconds) == "Connection aborted"
            assert time.monotonic() - begin < max(0.1, seconds + 0.3)


@pytest.mark.parametrize(("protocol", "other"), [(GRPC, HTTP), (HTTP, GRPC)])
def test_one_line_in_a_process(protocol, other):
    program = """
        from opentelemetry import trace
        for _ in range(3):
            trace.get_tracer("t").start_span("hello").end()
            trace.get_tracer_provider().force_flush(500)
    """
    with PEERS[other]() as peer:
        env = {**BRIEF, ENDPOINT: peer.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        result = instrumented(program, {**env, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"})

    told = [line for line in result.stderr.splitlines() if f"speaks {SPEAKS[protocol]}" in line]
    assert f"(export OTEL_EXPORTER_OTLP_PROTOCOL={other})" in told[0]
    assert len(result.stderr.splitlines()) <= 2, result.stderr
    assert told[-1] == result.stderr.splitlines()[-1]


REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv6:[::1]:{port}: connect: Connection refused (111)"
)


def test_an_address_that_refuses_does_not_hide_the_one_that_accepts():
    with PEERS[HTTP]() as peer:
        options = ExporterOptions(
            name="otlp", signal="traces", endpoint=f"http://localhost:{peer.port}", settings=Settings(),
            arguments={"protocol": GRPC, "insecure": True},
        )  # fmt: skip
        diagnosis = Diagnosis(options)
        for _ in range(2):
            assert f"localhost:{peer.port} speaks HTTP/1" in diagnosis.explain(REFUSED.format(port=peer.port), 4)


def test_where_nothing_listens_it_stays_refused():
    text = REFUSED.format(port=9)
    options = ExporterOptions(
        name="otlp", signal="traces", endpoint="http://localhost:9", settings=Settings(), arguments={"protocol": GRPC}
    )

    assert Diagnosis(options).explain(text, 4) == text


@needs_yaml
def test_with_a_file_the_message_names_the_position_to_correct(tmp_path):
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('hello').end()"
    with PEERS[HTTP]() as peer:
        file = f"""
            file_format: "1.0"
            tracer_provider:
              processors:
                - batch: {{exporter: {{otlp_http: {{endpoint: "{peer.endpoint}"}}}}}}
        """
        result = configured(program, file, tmp_path)

    assert "the path is wrong: otel.yaml:5:" in result.stderr
    assert ENDPOINT not in result.stderr

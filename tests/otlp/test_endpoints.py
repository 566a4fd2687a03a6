"""Endpoints with a user and a password, and those in forms of grpc's own: as upstream takes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from commands import in_process
from exporting import exporting
from made import made
from peers import PEERS, grpc_peer, http_peer, redirect
from plans import planned, plugin, problems
from processes import NOWHERE, configured, instrumented
from releases import needs_yaml
from requests.auth import HTTPBasicAuth

from distrokit_otlp.connection.endpoints import basic_authorization

ENDPOINT, PROTOCOL = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"
HTTP = "http/protobuf"
HASH = base64.b64encode(b"me:s3cret-word").decode()


def with_user(endpoint: str, user: str = "me:s3cret-word") -> dict[str, str]:
    return {ENDPOINT: endpoint.replace("://", f"://{user}@")}


# --------------------------------------------------------------------------- user and password


@pytest.mark.parametrize("protocol", PEERS)
def test_a_user_and_a_password_are_sent(protocol):
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, with_user(peer.endpoint)) as sent:
        assert sent.attempt("abc") is None
        assert peer.ledger.requests[0].headers["authorization"] == f"Basic {HASH}"


@pytest.mark.parametrize(
    ("user", "pair"),
    [("m%40e:p%2Fw%20", "m@e:p/w "), ("me:", "me:"), (":pw", ":pw"), ("me", None), ("m:p%C3%A4", "m:pä")],
)
def test_they_are_decoded_as_requests_does(user, pair):
    import requests

    ours, theirs = (
        basic_authorization(f"http://{user}@h"),
        requests.Request("POST", f"http://{user}@h").prepare().headers,
    )
    assert ours == theirs.get("Authorization", "")
    assert ours == ("" if pair is None else f"Basic {base64.b64encode(pair.encode('latin-1')).decode()}")


def test_they_are_stronger_than_a_header_and_weaker_than_an_auth():
    header = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20other"}

    def distrokit_exporter_options(exporter, options):
        options.credentials = HTTPBasicAuth("an", "auth")

    for acme, wanted in (
        (plugin(), HASH),
        (plugin(distrokit_exporter_options=distrokit_exporter_options), "YW46YXV0aA=="),
    ):
        with (
            http_peer() as peer,
            exporting(HTTP, "logs", peer, {**with_user(peer.endpoint), **header}, acme=acme) as sent,
        ):
            assert sent.attempt("abc") is None
            assert peer.ledger.requests[0].headers["authorization"] == f"Basic {wanted}"


def test_http_json():
    with http_peer() as peer, exporting("http/json", "traces", peer, with_user(peer.endpoint)) as sent:
        # The peer does not read JSON, and has seen the headers.
        sent.exporter.export(made("traces", "abc"))
        assert peer.ledger.requests[0].headers["authorization"] == f"Basic {HASH}"


@pytest.mark.parametrize("protocol", PEERS)
def test_the_password_is_shown_nowhere(protocol):
    env = {**NOWHERE, PROTOCOL: protocol, ENDPOINT: "http://me:s3cret-word@127.0.0.1:9/v1/traces/v1/traces"}
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    result = instrumented(program, {**env, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOG_LEVEL": "debug"})
    said = [result.stdout, result.stderr]
    for command in (
        ("explain",),
        ("explain", "--json"),
        ("explain", "--setting", ENDPOINT),
        ("doctor",),
        ("config", "show"),
    ):
        shown = in_process(*command, env=env)
        said += [shown.stdout, shown.stderr]
    assert "127.0.0.1:9" in "".join(said)
    for text in said:
        assert "s3cret" not in text
        assert HASH not in text


def test_nor_by_a_redirection():
    with http_peer() as peer, exporting(HTTP, "traces", peer, with_user(peer.endpoint)) as sent:
        peer.behave(redirect(f"{peer.endpoint}/elsewhere", 307))
        left = sent.attempt("abc")
        assert "s3cret" not in left.cause + str(sent.lost)


# --------------------------------------------------------------------------- forms of grpc's own

PLAIN = {"OTEL_EXPORTER_OTLP_INSECURE": "true"}


@pytest.mark.parametrize(
    "form",
    [
        "ipv4:127.0.0.1:{0}",
        "ipv4:127.0.0.1:{0},127.0.0.1:{0}",
        "dns:localhost:{0}",
        "dns:///localhost:{0}",
        "localhost:{0}",
    ],
)
def test_names_that_grpc_resolves(form):
    with grpc_peer() as peer:
        with exporting("grpc", "traces", peer, {ENDPOINT: form.format(peer.port), **PLAIN}) as sent:
            assert sent.problems == []
            assert sent.attempt("abc") is None
        assert len(peer.ledger.requests) == 1


@contextmanager
def _serving(address: str) -> Iterator[int]:
    """A receiver at an address of any form; yields its port."""

    class Takes(grpc.GenericRpcHandler):
        def service(self, call):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Takes()])
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        pytest.skip(f"this machine has no {address}")
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


@pytest.mark.parametrize("form", ["unix:{}", "unix://{}"])
def test_a_socket(tmp_path, form):
    address = form.format(tmp_path / "otel.sock")
    with _serving(address), grpc_peer() as peer, exporting("grpc", "traces", peer, {ENDPOINT: address}) as sent:
        # It needs no word about TLS.
        assert sent.problems == []
        assert sent.attempt("abc") is None


def test_version_six():
    with _serving("[::1]:0") as port, grpc_peer() as peer:
        env = {ENDPOINT: f"ipv6:[::1]:{port}", **PLAIN}
        with exporting("grpc", "traces", peer, env) as sent:
            assert sent.attempt("abc") is None


def test_tls_unless_it_is_switched_off():
    for form in ("ipv4:10.0.0.1:4317", "dns:host:4317"):
        plan = planned({ENDPOINT: form})
        (line,) = problems(plan)
        assert f"{ENDPOINT}={form}: the endpoint does not say whether to use TLS; TLS is used." in line
        plan = planned({ENDPOINT: form, **PLAIN})
        assert problems(plan) == []
        parameters = plan.signals["traces"].exporters[0].exporter.parameters
        assert (parameters["endpoint"].value, parameters["insecure"].value) == (form, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ipv4:host:4317", "'host' does not appear to be an IPv4 or IPv6 address"),
        ("ipv6:10.0.0.1:4317", "10.0.0.1:4317 is not an address of IP version 6"),
        ("dns:", "a name is missing after dns:"),
        ("dns:a host:4317", "it contains a space"),
    ],
)
def test_what_grpc_would_refuse(text, why):
    plan = planned({ENDPOINT: text})
    assert f"{ENDPOINT}={text}: not usable: {why}; 'http://localhost:4317' is used instead." in problems(plan)[0]


@pytest.mark.parametrize("form", ["ipv4:127.0.0.1:{0}", "dns:///localhost:{0}", "ipv4:127.0.0.1:{0},127.0.0.1:{0}"])
@pytest.mark.parametrize("name", [ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_over_http_requests_go_to_the_signals_path(form, name):
    with http_peer() as peer:
        env = {name: form.format(peer.port), **PLAIN, PROTOCOL: HTTP}
        with exporting(HTTP, "traces", peer, env) as sent:
            assert sent.problems == []
            assert sent.attempt("abc") is None
        (request,) = peer.ledger.requests
        assert request.headers["host"].endswith(f":{peer.port}")


def test_a_form_that_only_grpcio_resolves_is_none_of_http():
    plan = planned({ENDPOINT: "xds:host:4318", PROTOCOL: HTTP})
    assert "it is not a URL such as http://collector:4317" in problems(plan)[0]


@needs_yaml
def test_in_a_configuration_file(tmp_path):
    with grpc_peer() as peer:
        exporter = f'otlp_grpc: {{endpoint: "ipv4:127.0.0.1:{peer.port}", tls: {{insecure: true}}}}'
        file = f"""
            file_format: "1.0"
            tracer_provider: {{processors: [{{batch: {{exporter: {{{exporter}}}}}}}]}}
        """
        program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
        result = configured(program, file, tmp_path)
        assert result.stderr == ""
        assert len(peer.ledger.requests) == 1


@pytest.mark.parametrize("form", ["ipv4:127.0.0.1:{}", "dns:localhost:{}"])
def test_doctor_looks_at_the_way(form):
    with grpc_peer() as peer:
        env = {ENDPOINT: form.format(peer.port), **PLAIN, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        checks = json.loads(in_process("doctor", "--json", env=env).stdout)["checks"]
        plaintext = {check["id"]: check["verdict"] for check in checks if check["id"].startswith("otlp-")}
        assert plaintext.items() >= {"otlp-name": "ok", "otlp-connection": "ok", "otlp-answer": "ok"}.items()

        checks = json.loads(in_process("doctor", "--json", env={**env, "OTEL_EXPORTER_OTLP_INSECURE": "false"}).stdout)[
            "checks"
        ]
        (tls,) = [check for check in checks if check["id"] == "otlp-tls"]
    assert "speaks plaintext, and TLS was sent" in tls["evidence"]
    assert tls["remedy"] == "export OTEL_EXPORTER_OTLP_INSECURE=true"

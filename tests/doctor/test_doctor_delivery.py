"""Doctor tries each address of a fleet, each file and each header, and says which collector has answered."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack

import pytest
from answering import Authority, closed_port
from commands import in_process
from peers import PEERS, TLS, grpc_peer

PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))
TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "no_proxy": "*"}
TOKEN = "DISTROKIT_OTLP_BEARER_TOKEN_FILE"


def checks(**env) -> list[dict[str, str]]:
    """The checks of the export."""
    result = in_process("doctor", "--json", env={**TRACES, **env})
    return [check for check in json.loads(result.stdout)["checks"] if check["group"] == "export"]


def of(found, name):
    return [(check["verdict"], check["evidence"]) for check in found if check["id"] == name]


@PROTOCOLS
def test_each_address_of_a_list_and_which_has_answered(protocol):
    with ExitStack() as stack:
        peers = [stack.enter_context(PEERS[protocol]()) for _ in range(2)]
        gone = closed_port()
        listed = ",".join(f"127.0.0.1:{port}" for port in (peers[0].port, gone, peers[1].port))
        found = checks(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"ipv4:{listed}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        )
    assert of(found, "otlp-connection") == [
        ("ok", f"127.0.0.1:{peers[0].port} accepts connections"),
        ("warn", f"nothing listens at 127.0.0.1:{gone} (connection refused); requests go to the others"),
        ("ok", f"127.0.0.1:{peers[1].port} accepts connections"),
    ]
    ((verdict, evidence),) = of(found, "otlp-answer")
    assert verdict == "ok"
    assert any(evidence.endswith(f"(answered by 127.0.0.1:{peer.port})") for peer in peers)
    assert sum(len(peer.ledger.requests) for peer in peers) == 1


def test_none_of_them_is_there():
    ports = closed_port(), closed_port()
    listed = ",".join(f"127.0.0.1:{port}" for port in ports)
    found = checks(OTEL_EXPORTER_OTLP_ENDPOINT=f"ipv4:{listed}", OTEL_EXPORTER_OTLP_INSECURE="true")
    assert [verdict for verdict, _ in of(found, "otlp-connection")] == ["fail", "fail"]
    assert of(found, "otlp-answer") == []


@PROTOCOLS
def test_tls_at_each_address(protocol, tmp_path):
    authority = Authority(tmp_path)
    with PEERS[protocol](tls=TLS(authority)) as good, PEERS[protocol](tls=TLS(authority, days=5)) as soon:
        found = checks(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"ipv4:127.0.0.1:{good.port},127.0.0.1:{soon.port}",
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_INSECURE="false",
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem"),
        )
    assert [verdict for verdict, _ in of(found, "otlp-tls")] == ["ok", "warn"]
    assert of(found, "otlp-tls")[1][1].startswith(f"127.0.0.1:{soon.port}: TLSv1.")
    assert [verdict for verdict, _ in of(found, "otlp-answer")] == ["ok"]


@PROTOCOLS
def test_each_file_and_the_days_that_are_left(protocol, tmp_path):
    authority = Authority(tmp_path)
    client = authority.ca.issue_cert("client")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    with PEERS[protocol](tls=TLS(authority, mutual=True)) as peer:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem"),
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(tmp_path / "client.pem"),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(tmp_path / "client.key"),
        }
        found = checks(**env)
        ca, own = of(found, "otlp-files")
        assert ca[0] == own[0] == "ok"
        assert f"otlp traces: OTEL_EXPORTER_OTLP_CERTIFICATE={tmp_path / 'ca.pem'} is valid until " in ca[1]
        assert f"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE={tmp_path / 'client.pem'} is valid until " in own[1]
        assert own[1].endswith(" days), and its key fits")
        assert of(found, "otlp-answer")[0][0] == "ok"


@pytest.mark.parametrize(("days", "verdict"), [(5, "warn"), (-2, "fail")])
def test_a_client_certificate_that_ends(days, verdict, tmp_path):
    from datetime import datetime, timedelta, timezone

    authority = Authority(tmp_path)
    until = datetime.now(timezone.utc) + timedelta(days=days, hours=1)
    client = authority.ca.issue_cert("client", not_before=until - timedelta(days=90), not_after=until)
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    with grpc_peer(tls=TLS(authority)) as peer:
        found = checks(
            OTEL_EXPORTER_OTLP_ENDPOINT=peer.endpoint,
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem"),
            OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(tmp_path / "client.pem"),
            OTEL_EXPORTER_OTLP_CLIENT_KEY=str(tmp_path / "client.key"),
        )
    own = of(found, "otlp-files")[1]
    assert own[0] == verdict
    assert f"{until:%Y-%m-%d}" in own[1]


def token(seconds: float) -> str:
    """A JSON Web Token that ends in so many seconds."""
    parts = ({"alg": "none"}, {"exp": time.time() + seconds})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "hush"])


@pytest.mark.parametrize(
    ("content", "verdict", "says"),
    [
        (3000, "ok", "the token is valid for 50 minutes"),
        (40_000, "ok", "the token is valid for 11 hours"),
        (-60, "fail", "the token has expired at"),
        ("opaque-hush", "ok", "sends authorization ("),
        ("a.b.c-hush", "ok", "sends authorization ("),
        ("hush hush", "fail", "it is not one token in plain ASCII"),
    ],
)
def test_each_header_and_its_file(content, verdict, says, tmp_path):
    (tmp_path / "token").write_text(token(content) if isinstance(content, int) else content)
    (tmp_path / "headers").write_text("x-file=hush-hush")
    with grpc_peer() as peer:
        found = checks(
            OTEL_EXPORTER_OTLP_ENDPOINT=peer.endpoint,
            OTEL_EXPORTER_OTLP_HEADERS="x-b=hush-hush,x-a=hush-hush",
            DISTROKIT_OTLP_HEADERS_FILE=str(tmp_path / "headers"),
            **{TOKEN: str(tmp_path / "token")},
        )
    fixed, file, bearer = of(found, "otlp-headers")
    assert fixed == ("ok", "otlp traces: sends x-a, x-b (OTEL_EXPORTER_OTLP_HEADERS)")
    assert file == ("ok", f"otlp traces: sends x-file (DISTROKIT_OTLP_HEADERS_FILE={tmp_path / 'headers'})")
    assert bearer[0] == verdict
    assert says in bearer[1]
    assert f"{TOKEN}={tmp_path / 'token'}" in bearer[1]
    assert "hush" not in str(found)

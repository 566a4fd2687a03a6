"""The receiver is not trusted: what it answers is bounded, and only OpenTelemetry's settings say whom to believe."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from textwrap import dedent

import pytest
import requests
from answering import Authority
from exporting import GRPCIO, exporting
from made import SIGNALS, made
from peers import (
    PEERS,
    TLS,
    Answer,
    always,
    dribble,
    grpc_peer,
    gzip_bomb,
    http_peer,
    huge,
    redirect,
    silent_peer,
    tls_faults,
)
from plans import assembled, plugin, problems
from processes import run
from requests.auth import AuthBase

from distrokit.pipeline.component_factory import ComponentFactory

PROTOCOLS = pytest.mark.parametrize("protocol", [*PEERS, GRPCIO], ids=["grpc", "http", "grpcio"])
HTTP = "http/protobuf"

# ------------------------------------------------------------------------- foreign answers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_redirects_are_not_followed(status):
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hush-hush"}
    with http_peer() as elsewhere, http_peer() as peer, exporting(HTTP, "traces", peer, secret) as sent:
        peer.behave(redirect(f"{elsewhere.endpoint}/v1/traces", status))
        left = sent.attempt("abc")
        assert left is not None
        assert not left.items
        ((items, reason, cause),) = sent.lost
        assert (items, reason) == (3, "failed")
        assert elsewhere.endpoint in cause
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in cause
        assert sent.requests == 1
        assert elsewhere.ledger.connections == 0
        assert peer.ledger.requests[0].headers["authorization"] == "Bearer hush-hush"


PAGES = {
    "a page that says it is protobuf": (b"<!doctype html><html></html>", "application/x-protobuf"),
    "a page": (b"<html></html>", "text/html; charset=utf-8"),
    "a page of words": (b"Please log in", "text/html"),
    "a page after a mark": (b"\xef\xbb\xbf\n <?xml version='1.0'?><Error/>", "text/plain"),
}


@pytest.mark.parametrize("what", PAGES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_web_page_is_no_success(signal, what):
    body, kind = PAGES[what]
    answer = Answer(body=lambda: iter([body]), headers={"content-type": kind}, counted=False)
    with http_peer(always(answer)) as peer, exporting(HTTP, signal, peer) as sent:
        left = sent.attempt("abc")
        assert left is not None
        assert sent.left(left) == 0
        assert sent.requests == 1
        ((items, reason, cause),) = sent.lost
        assert (items, reason) == (3, "failed")
        assert "which is not an OTLP response; correct" in cause


#: Of receivers that keep what they are sent, such as sinks in tests.
FOREIGN = {
    "text": (b"OK", "text/plain"),
    "text without a type": (b"OK", ""),
    "json of others": (b'{"status":"ok"}', "application/json"),
    "broken json": (b'{"partialSuccess":', "application/json"),
    "no message": (b"\xff\xff\xff", "application/x-protobuf"),
    "packed nonsense": (b"\x1f\x8b\x08\x00broken", "application/x-protobuf"),
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("signal", SIGNALS)
def test_another_answer_of_success_is_one_and_is_said_once(signal, what, caplog):
    body, kind = FOREIGN[what]
    answer = Answer(body=lambda: iter([body]), headers={"content-type": kind})
    with http_peer(always(answer)) as peer, exporting(HTTP, signal, peer) as sent:
        assert sent.attempt("abc") is None
        assert sent.attempt("def") is None
        assert sent.lost == []
        assert sent.arrived == Counter("abcdef")
    (line,) = caplog.messages
    assert line.startswith(f"{signal}: the receiver answered 200 OK: ")
    assert "which is not an OTLP response; the items are counted as delivered" in line
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in line


@pytest.mark.parametrize("body", [b"", b'{"partialSuccess":{}}', b'{"partialSuccess":null}', b"{}"])
def test_what_receivers_say_is_success(body):
    kind = "application/json" if body else "text/plain"
    with http_peer(always(Answer(body=lambda: iter([body]), headers={"content-type": kind}))) as peer:
        for signal in SIGNALS:
            with exporting(HTTP, signal, peer) as sent:
                assert sent.attempt("abc") is None
                assert sent.lost == []


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("protocol", "other"), [("grpc", http_peer), (HTTP, grpc_peer)])
def test_the_other_protocol(protocol, other, signal):
    short = {"OTEL_EXPORTER_OTLP_TIMEOUT": "500"}
    with other() as peer, exporting(protocol, signal, peer, short) as sent:
        left = sent.attempt("abc")
        assert left is not None
        assert left.cause
        assert sent.exporter.export(made(signal, "abc")).name == "FAILURE"
        assert sum(items for items, _ in sent.losses) >= 3
        assert not sent.arrived


# -------------------------------------------------------------------------- bounded answers


@pytest.mark.parametrize("head", [False, True])
def test_the_time_for_a_dribbled_answer_is_the_setting(head):
    short = {"OTEL_EXPORTER_OTLP_TIMEOUT": "400"}
    with http_peer(dribble(0.1, 129, head=head)) as peer, exporting(HTTP, "logs", peer, short) as sent:
        begin = time.monotonic()
        assert sent.exporter.export(made("logs", "abc")).name == "FAILURE"
        # All of the answer would take twelve seconds.
        assert time.monotonic() - begin < 8
        assert sent.losses == [(3, "failed")]


MEASURED = """
    import resource, sys
    from exporting import GRPCIO, exporting
    from peers import Peer

    class There:
        endpoint = sys.argv[2]

    grown = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for signal in ("traces", "metrics", "logs"):
        with exporting(sys.argv[1], signal, There()) as sent:
            # Once, for what is made with the first request.
            sent.attempt("a")
            before = grown()
            for _ in range(3):
                sent.attempt("abc")
            print(round(grown() - before), flush=True)
"""


@PROTOCOLS
@pytest.mark.parametrize("answer", [huge, gzip_bomb])
def test_answers_take_little_memory(protocol, answer):
    with PEERS[protocol](
        lambda s, n, items: (answer if len(items()) > 1 else lambda: always(Answer()))()(s, n, items)
    ) as peer:
        result = run(
            [sys.executable, "-c", dedent(MEASURED), protocol, peer.endpoint],
            path=[Path(__file__).parents[1] / "support"],
        )
        assert result.returncode == 0, result.stderr
        grown = [int(line) for line in result.stdout.split()]
        assert len(grown) == 3
        assert max(grown) < 40
        # It came that far: what was sent was counted.
        assert set(peer.ledger.spans) == set("abc")


@PROTOCOLS
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_huge_answer_makes_no_copies(protocol, signal):
    """It was taken, and sending it in smaller parts would take it once more."""
    with PEERS[protocol](huge()) as peer, exporting(protocol, signal, peer) as sent:
        left = sent.attempt("abcd")
        assert left is not None
        assert not left.items
        assert sent.arrived == Counter("abcd")
        assert sent.losses == [(4, "failed")]
        assert sent.requests == 1


# -------------------------------------------------------------------------------- whom to trust


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@PROTOCOLS
def test_the_certificate_that_is_named(protocol, authority):
    ca = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem")}
    with PEERS[protocol](tls=TLS(authority)) as peer:
        for signal in SIGNALS:
            with exporting(protocol, signal, peer, ca) as sent:
                assert sent.attempt("abc") is None
                assert sent.arrived == Counter("abc")
    mutual = {
        **ca,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(authority.folder / "client.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(authority.folder / "client.key"),
    }
    with PEERS[protocol](tls=TLS(authority, mutual=True)) as peer, exporting(protocol, "logs", peer, mutual) as sent:
        assert sent.attempt("abc") is None
        assert sent.arrived == Counter("abc")


MUTUAL = "client certificate required"
SAID = {
    "wrong host": "has a certificate for another name (Write a name that is in the certificate into OTEL_EXPORTER_OTLP_",
    "expired": "has a certificate that is expired or not yet valid",
    "unknown CA": "an unknown authority (export OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/the/ca.pem)",
    MUTUAL: "requires a client certificate that it trusts (export OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=",
}
FAULTS = [
    *product([*PEERS, GRPCIO], ["wrong host", "expired", "unknown CA"]),
    (HTTP, MUTUAL),
]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("protocol", "fault"), FAULTS)
def test_a_certificate_at_fault_is_tried_once_for_each_export(protocol, signal, fault, authority):
    ca = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem")}
    with PEERS[protocol](tls=tls_faults(authority)[fault]) as peer, exporting(protocol, signal, peer, ca) as sent:
        tries = []
        send = sent.exporter.sender.send
        sent.exporter.sender.send = lambda *arguments: tries.append(arguments) or send(*arguments)
        assert sent.exporter.export(made(signal, "abc")).name == "FAILURE"
        assert len(tries) == 1
        ((items, reason, cause),) = sent.lost
        assert (items, reason) == (3, "failed")
        assert SAID[fault] in cause
        if protocol == HTTP:
            assert peer.ledger.connections == 1
        sent.attempt("def")
        assert sent.losses == [(3, "failed"), (3, "failed")]
        assert not sent.arrived


@pytest.mark.parametrize("transport", ["h2", "grpcio"])
def test_a_grpc_server_does_not_say_that_a_certificate_is_wanted(authority, transport):
    """It is a connection that ends, as any may; so it is tried again, and what it may be is said."""
    ca = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem"), "DISTROKIT_OTLP_GRPC": transport}
    with grpc_peer(tls=tls_faults(authority)[MUTUAL]) as peer, exporting("grpc", "logs", peer, ca) as sent:
        left = sent.attempt("abc")
        assert (sent.left(left), left.reached, sent.lost) == (3, False, [])
        assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in left.cause


@PROTOCOLS
def test_plaintext_where_tls_is_spoken(protocol, authority):
    with PEERS[protocol](tls=TLS(authority)) as peer:
        plain = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint.replace("https", "http")}
        with exporting(protocol, "traces", peer, plain) as sent:
            assert sent.attempt("abc", 3) is not None
            assert not sent.arrived


@PROTOCOLS
def test_tls_where_plaintext_is_spoken(protocol):
    with PEERS[protocol]() as peer:
        tls = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint.replace("http", "https")}
        with exporting(protocol, "traces", peer, tls) as sent:
            left = sent.attempt("abc", 3)
            assert left is not None
            assert left.cause
            assert not sent.arrived


# Python leaves the socket to the collector when the connection is reset before ssl looks at it.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@PROTOCOLS
def test_a_connection_that_breaks_in_the_handshake_is_tried_again(protocol):
    with silent_peer(reset=True) as peer:
        tls = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint.replace("http", "https")}
        with exporting(protocol, "traces", peer, tls) as sent:
            left = sent.attempt("abc", 2)
            assert sent.left(left) == 3
            assert sent.lost == []
    gc.collect()


@pytest.fixture
def netrc(tmp_path, monkeypatch) -> Iterator[None]:
    """A home with a password for everything on this machine."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password of-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


@pytest.mark.usefixtures("netrc")
@pytest.mark.parametrize("headers", ["", "authorization=Bearer%20mine", "Authorization=Bearer%20mine"])
def test_netrc_is_not_read(headers):
    with http_peer() as peer:
        requests.post(f"{peer.endpoint}/v1/traces", timeout=5)
        assert peer.ledger.requests[0].headers["authorization"].startswith("Basic ")
        with exporting(HTTP, "traces", peer, {"OTEL_EXPORTER_OTLP_HEADERS": headers}) as sent:
            assert sent.attempt("abc") is None
        found = peer.ledger.requests[-1].headers.get("authorization")
        assert found == ("Bearer mine" if headers else None)


def with_credentials(credentials):
    """A plugin that hands these to every exporter."""

    def change(options):
        options.credentials = credentials

    return plugin(distrokit_exporter_options=change)


class Token(AuthBase):
    """Puts a credential on each request, as it was read."""

    def __init__(self, text):
        self.text = text

    def __call__(self, request):
        request.headers["x-token"] = self.text
        return request


@pytest.mark.parametrize("text", ["hush-hush\n", b" hush-hush\r\n"])
def test_a_token_with_a_line_feed_is_sent_without_it(text):
    with http_peer() as peer, exporting(HTTP, "traces", peer, acme=with_credentials(Token(text))) as sent:
        assert sent.attempt("abc") is None
        assert peer.ledger.requests[0].headers["x-token"] == "hush-hush"


def session_with(text):
    """A session of a hook's own, which nobody looks at."""
    session = requests.Session()
    session.headers["x-token"] = text
    return session


def session_signing(text):
    session = requests.Session()
    session.auth = Token(text)
    return session


@pytest.mark.parametrize(
    ("make", "text", "said"),
    [
        (Token, "hush\nhush", "ValueError: the auth gives x-token an invalid value"),
        (Token, b"hush\rhush", "ValueError: the auth gives x-token an invalid value"),
        (Token, "hush\u2026hush", "ValueError: the auth gives x-token an invalid value"),
        (session_with, "hush\nhush", "InvalidHeader: a request header is invalid"),
        (session_signing, "hush\nhush", "ValueError: a request header is invalid"),
    ],
)
def test_a_credential_that_is_no_header_is_not_repeated(make, text, said):
    with http_peer() as peer, exporting(HTTP, "traces", peer, acme=with_credentials(make(text))) as sent:
        assert sent.left(sent.attempt("abc")) == 0
        assert sent.lost == [(3, "failed", said)]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_grpc_refuses_the_credentials_of_another_transport(scheme):
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://localhost:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assembly = assembled(endpoint, acme=with_credentials(Token("hush-hush")))
    (planned,) = assembly.plan.signals["traces"].exporters

    assert ComponentFactory(assembly.plan, assembly.plugins).exporter(planned.exporter, "traces") is None
    (line,) = problems(assembly.plan)
    assert "TypeError: grpc credentials must be grpc.ChannelCredentials, not Token" in line
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in line
    assert "hush" not in line


def test_the_bundle_of_the_environment_is_below_the_named_certificate(authority, tmp_path, monkeypatch):
    stranger = Authority(tmp_path)
    mine, other = str(authority.folder / "ca.pem"), str(stranger.folder / "ca.pem")
    with http_peer(tls=TLS(authority)) as peer:
        outcome = {}
        for bundle, named in [(other, mine), (mine, ""), (mine, other), (other, "")]:
            for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                with monkeypatch.context() as patch:
                    patch.delenv("REQUESTS_CA_BUNDLE", raising=False)
                    patch.delenv("CURL_CA_BUNDLE", raising=False)
                    patch.setenv(variable, bundle)
                    with exporting(HTTP, "logs", peer, {"OTEL_EXPORTER_OTLP_CERTIFICATE": named}) as sent:
                        outcome[bundle == mine, named and named == mine, variable] = sent.attempt("abc") is None
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        assert outcome[False, True, variable]
        assert outcome[True, "", variable]
        assert not outcome[True, False, variable]
        assert not outcome[False, "", variable]

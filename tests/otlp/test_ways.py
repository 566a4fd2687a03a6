"""The ways to a receiver: proxies of every kind, Unix sockets, transports of other packages, and a socket's deadline."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest
from answering import Authority, closed_port
from exporting import exporting
from peers import PEERS, TLS, accept, first, http_peer, refuse
from plans import planned, plugin, problems
from processes import BRIEF, instrumented, said
from proxy import proxy
from requests.auth import HTTPDigestAuth

from distrokit_otlp.connection.proxies import proxy_for
from distrokit_otlp.connection.timed_socket import TimedSocket

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))
ALL = pytest.mark.parametrize("protocol", [*PEERS, "http/json"])


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


# --------------------------------------------------------------------------------- proxies


@pytest.mark.parametrize("user", ["", "me:p%40ss"])
@pytest.mark.parametrize("tls", [False, True], ids=["plaintext", "tls"])
@PROTOCOLS
def test_a_proxy_resolves_the_name_and_gets_its_password(protocol, tls, user, authority, monkeypatch):
    """Over grpc always by a tunnel; over HTTP only for TLS, as HTTP clients do."""
    tunnels = tls or protocol == "grpc"
    with (
        PEERS[protocol](tls=TLS(authority, names=("collector.test",)) if tls else None) as peer,
        proxy("me:p@ss" if user else "") as way,
    ):
        way.hosts[f"collector.test:{peer.port}"] = ("127.0.0.1", peer.port)
        monkeypatch.setenv(
            "https_proxy" if tls else "http_proxy", f"http://{user}{'@' if user else ''}127.0.0.1:{way.port}"
        )
        env = {ENDPOINT: f"http{'s' if tls else ''}://collector.test:{peer.port}"}
        if tls:
            env["OTEL_EXPORTER_OTLP_CERTIFICATE"] = str(authority.folder / "ca.pem")
        with exporting(protocol, "traces", peer, env) as sent:
            for one in "abc":
                assert sent.attempt(one) is None
            assert sent.arrived == Counter("abc")
        if tunnels:
            assert way.asked == [f"CONNECT collector.test:{peer.port} HTTP/1.1"]
        else:
            assert set(way.asked) == {f"POST http://collector.test:{peer.port}/v1/traces HTTP/1.1"}


@PROTOCOLS
def test_a_proxy_that_refuses(protocol, monkeypatch):
    with PEERS[protocol]() as peer, proxy("me:secret-word") as way:
        monkeypatch.setenv("http_proxy", f"http://me:wrong-word@127.0.0.1:{way.port}")
        with exporting(protocol, "traces", peer) as sent:
            left = sent.attempt("abc")
            cause = left.cause
            assert "407" in cause
            assert "word" not in cause
            # Over grpc there was no connection; over HTTP it is an answer.
            assert sent.left(left) == (3 if protocol == "grpc" else 0)
        assert peer.ledger.requests == []


@PROTOCOLS
@pytest.mark.parametrize("answer", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"nonsense\r\n\r\n", b"\x05\0"])
def test_a_proxy_that_is_none(protocol, answer, authority, monkeypatch):
    with PEERS[protocol](tls=TLS(authority)) as peer, proxy(answer=answer) as way:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{way.port}")
        with exporting(protocol, "traces", peer) as sent:
            left = sent.attempt("abc", 4)
            assert sent.left(left) == 3
            assert left.cause.startswith(f"the proxy 127.0.0.1:{way.port} ")


@PROTOCOLS
def test_a_proxy_that_is_not_there(protocol, monkeypatch):
    with PEERS[protocol]() as peer:
        port = closed_port()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        with exporting(protocol, "traces", peer) as sent:
            left = sent.attempt("abc")
            assert (sent.left(left), left.reached) == (3, False)
            assert left.cause == f"connection refused at the proxy 127.0.0.1:{port}"


def test_a_proxy_over_tls_for_plaintext(authority, monkeypatch, tmp_path):
    """The proxy's certificate is checked against the system's authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with http_peer() as peer, proxy(context=authority.context("127.0.0.1")) as way:
        monkeypatch.setenv("http_proxy", f"https://127.0.0.1:{way.port}")
        with exporting("http/protobuf", "traces", peer) as sent:
            assert sent.attempt("abc") is None
        assert len(way.asked) == 1


def test_socks_needs_a_package(monkeypatch):
    with http_peer() as peer:
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{closed_port()}")
        with exporting("http/protobuf", "traces", peer) as sent:
            assert "distrokit-otlp[socks]" in sent.attempt("abc").cause


@pytest.mark.parametrize(
    ("env", "grpc", "found"),
    [
        ({"HTTPS_PROXY": "http://u:p%3A@p"}, False, ("http", "p", 80, "u", "p:")),
        ({"https_proxy": "https://p:1"}, False, ("https", "p", 1, "", "")),
        ({"all_proxy": "socks5h://p"}, False, ("socks5h", "p", 1080, "", "")),
        ({"https_proxy": "http://p:1", "no_proxy": "other,h:4318"}, False, None),
        ({"https_proxy": "http://p:1", "no_proxy": "h:1"}, False, ("http", "p", 1, "", "")),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, False, None),
        ({"https_proxy": "http://p:1", "no_proxy": ""}, False, ("http", "p", 1, "", "")),
        ({"https_proxy": "http://p:1", "no_proxy": "*.example, h"}, False, None),
        ({"HTTPS_PROXY": "http://p:1"}, True, None),
        ({"https_proxy": "https://p:1"}, True, None),
        ({"grpc_proxy": "http://p:1", "no_grpc_proxy": "h"}, True, None),
        ({"https_proxy": "http://"}, False, None),
    ],
)
def test_which_proxy(env, grpc, found, monkeypatch):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    one = proxy_for("https", "h", 4318, grpc=grpc)
    assert (one and (one.scheme, one.host, one.port, one.user, one.password)) == found
    assert "p:" not in repr(one)


def test_a_header_of_a_client_is_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://evil.example:1")
    assert proxy_for("http", "h", 1, grpc=False)
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert proxy_for("http", "h", 1, grpc=False) is None


# ---------------------------------------------------------------------------- Unix sockets


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@pytest.mark.parametrize("form", ["unix:{}", "unix://{}"])
def test_http_over_a_unix_socket(tmp_path, form):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.headers["host"]))
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def address_string(self):
            return "unix"

        def log_message(self, *args):
            """Quiet."""

    path = tmp_path / "otel.sock"
    with _Server(str(path), Handler) as server, http_peer() as peer:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with exporting("http/protobuf", "logs", peer, {ENDPOINT: form.format(path)}) as sent:
            assert sent.problems == []
            assert sent.attempt("abc") is None
        server.shutdown()
    assert asked == [("/v1/logs", "localhost")]


@PROTOCOLS
def test_a_unix_socket_that_is_not_there(protocol, tmp_path):
    with PEERS[protocol]() as peer:
        env = {ENDPOINT: f"unix://{tmp_path}/nothing"}
        with exporting(protocol, "logs", peer, env) as sent:
            left = sent.attempt("abc")
            assert (sent.left(left), left.reached) == (3, False)
            assert left.cause == f"No such file or directory at unix:{tmp_path}/nothing"


# -------------------------------------------------------------- transports of other packages


@pytest.mark.parametrize("name", ["urllib3", "requests"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_transport_that_a_package_publishes(name, compression):
    pytest.importorskip("opentelemetry.exporter.http.transport")
    env = {
        "DISTROKIT_OTLP_HTTP_TRANSPORT": name,
        "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-a=1",
    }
    with http_peer() as peer, exporting("http/protobuf", "traces", peer, env) as sent:
        assert sent.problems == []
        assert sent.attempt("abc") is None
        assert sent.arrived == Counter("abc")
        headers = peer.ledger.requests[0].headers
        assert headers["x-a"] == "1"
        assert headers.get("content-encoding", "none") == compression
        assert headers["user-agent"].startswith("distrokit/")
        peer.stop()
        left = sent.attempt("d")
        assert sent.left(left) == 1
        assert "refused" in left.cause


def test_a_transport_of_a_package_over_tls(authority):
    pytest.importorskip("opentelemetry.exporter.http.transport")
    env = {
        "DISTROKIT_OTLP_HTTP_TRANSPORT": "urllib3",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(authority.folder / "client.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(authority.folder / "client.key"),
    }
    with http_peer(tls=TLS(authority, mutual=True)) as peer, exporting("http/protobuf", "logs", peer, env) as sent:
        assert sent.attempt("abc") is None


def test_a_transport_that_no_package_publishes():
    plan = planned({"DISTROKIT_OTLP_HTTP_TRANSPORT": "urlib3", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    (line,) = problems(plan)
    assert line.startswith("DISTROKIT_OTLP_HTTP_TRANSPORT=urlib3: not usable: valid values are distrokit")
    assert "'distrokit' is used instead" in line


def test_a_digest_answers_the_receivers_challenge():
    """So it goes through a session of requests, since only that can send a request twice."""

    def distrokit_exporter_options(exporter, options):
        options.credentials = HTTPDigestAuth("me", "word")

    challenge = {"www-authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
    acme = plugin(distrokit_exporter_options=distrokit_exporter_options)
    with http_peer() as peer, exporting("http/protobuf", "traces", peer, acme=acme) as sent:
        peer.behave(first(1, refuse(401, headers=challenge), accept()))
        assert sent.attempt("abc") is None
        first_request, second = (request.headers.get("authorization", "") for request in peer.ledger.requests)
        assert first_request == ""
        assert second.startswith('Digest username="me", realm="r", nonce="n"')


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_json_is_tried_again_and_split_as_protobuf_is(signal):
    with http_peer() as peer, exporting("http/json", signal, peer) as sent:
        peer.behave(first(1, refuse(503), first(1, refuse(413), accept())))
        left = sent.attempt("abcd")
        assert sent.left(left) == 4
        assert sent.exporter.attempt(left.items, 5) is None
        assert {request.headers["content-type"] for request in peer.ledger.requests} == {"application/json"}
        assert (sent.lost, sent.arrived) == ([], Counter("abcd"))


# -------------------------------------------------------------------------------- a deadline


def test_a_socket_that_is_written_and_read_slowly_ends_at_its_deadline():
    here, there = socket.socketpair()
    with here, there:
        found = TimedSocket(here)
        for use in (lambda: found.recv(1), lambda: found.sendall(bytes(50_000_000)), lambda: found.makefile().read(10)):
            found.deadline = time.monotonic() + 0.1
            begin = time.monotonic()
            with pytest.raises(TimeoutError):
                use()
            assert time.monotonic() - begin < 3
        found.deadline = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            found.recv(1)


@ALL
def test_nothing_listens(protocol):
    with http_peer() as peer:
        port = closed_port()
        with exporting(protocol, "traces", peer, {ENDPOINT: f"http://localhost:{port}"}) as sent:
            left = sent.attempt("abc")
            assert (sent.left(left), left.reached) == (3, False)
            assert left.cause == f"connection refused at localhost:{port}"


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({"http_proxy": "http://127.0.0.1:9", ENDPOINT: "http://collector.example:4317"}, "connection refused at the proxy 127.0.0.1:9"),
        ({ENDPOINT: "http://nowhere.invalid:4317"}, "name resolution failed: nowhere.invalid: "),
        ({ENDPOINT: "unix:/nowhere/socket"}, "No such file or directory at unix:/nowhere/socket"),
        ({ENDPOINT: "ipv4:127.0.0.1:9,127.0.0.1:10", "OTEL_EXPORTER_OTLP_INSECURE": "true"}, "connection refused at 127.0.0.1:9,127.0.0.1:10"),
    ],
)  # fmt: skip
@PROTOCOLS
def test_what_a_person_reads(protocol, env, line):
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    env = {**env, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_METRICS_EXPORTER": "none", **BRIEF}
    if "proxy" in line and protocol != "grpc":
        env[ENDPOINT] = "http://collector.example:4318"
    result = instrumented(program, env)
    assert any(line in text for text in said(result)), result.stderr

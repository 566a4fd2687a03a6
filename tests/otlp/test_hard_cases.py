"""Connections in their hardest moments: half sent, half open, at the end of the process; and odd names of receivers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter

import pytest
from answering import Authority, closed_port, silent
from exporting import exporting
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from http2_peer import Served, http2_peer
from peers import PEERS, TLS, grpc_peer, http_peer
from plans import planned, problems
from proxy import proxy

from distrokit_otlp.connection.connections import Connections
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.proxies import Proxy, proxy_for
from distrokit_otlp.connection.target import Address, look_up, target_of
from distrokit_otlp.connection.timed_socket import TimedSocket, shut_down
from distrokit_otlp.credentials.header_list import parse_headers
from distrokit_otlp.protobuf_reader import read_export_response

PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# ------------------------------------------------------------------------------- half sent


def test_a_request_that_was_never_whole_cannot_have_arrived():
    """A receiver that opens no window, twice: nothing is given up."""
    with http2_peer(lambda served, stream: None) as peer, exporting("grpc", "traces", peer) as sent:
        peer.on_data = lambda served, stream, size: None
        left = sent.attempt(range(50), 0.5, padding=6_000)
        for _ in range(2):
            assert sent.left(left) == 50
            left = sent.exporter.attempt(left.items, 0.5)
        assert (sent.left(left), sent.lost, peer.requests) == (50, [], [])


def test_the_same_over_http():
    with (
        silent() as port,
        http_peer() as peer,
        exporting("http/protobuf", "traces", peer, {ENDPOINT: f"http://127.0.0.1:{port}"}) as sent,
    ):
        left = sent.attempt(range(400), 0.5, padding=9_000)
        for _ in range(2):
            assert sent.left(left) == 400
            left = sent.exporter.attempt(left.items, 0.5)
        assert (sent.left(left), sent.lost) == (400, [])


def test_an_answer_to_a_request_whose_rest_nobody_reads():
    """The connection is closed while the body is written: the answer says why, and the parts arrive."""
    refused = []

    def refuse(served, stream, size):
        if served.number == 1:
            if refused:
                return
            refused.append(stream)
            served.refuse(stream, (":status", "413"))
            served.h2.reset_stream(stream, ErrorCodes.NO_ERROR)
            served.flush()
            time.sleep(0.1)
            served.raw.shutdown(socket.SHUT_RDWR)
        else:
            served.h2.acknowledge_received_data(size, stream)

    with http2_peer(settings={SettingCodes.INITIAL_WINDOW_SIZE: 16_000_000}) as peer:
        peer.on_data = refuse
        with exporting("grpc", "traces", peer) as sent:
            left = sent.attempt(range(100), padding=30_000)
            while left is not None:
                left = sent.exporter.attempt(left.items, 8)
            assert sent.lost == []
            assert len([1 for _, _, body in peer.requests if len(body) > 5]) >= 2


class Interrupt(BaseException):
    """As KeyboardInterrupt, or celery's time limit."""


@PROTOCOLS
def test_an_interrupt_while_a_request_is_written_costs_its_connection_only(protocol, monkeypatch):
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer) as sent:
        assert sent.attempt("a") is None
        real, times = TimedSocket.sendall, []

        def sendall(self, data):
            real(self, data[: len(data) // 2])
            times.append(1)
            raise Interrupt

        with monkeypatch.context() as patch:
            patch.setattr(TimedSocket, "sendall", sendall)
            with pytest.raises(Interrupt):
                sent.attempt("b")
        assert times == [1]
        assert sent.attempt("c") is None
        assert sent.arrived == Counter("ac")


# ------------------------------------------------------------------------ streams and answers


def test_a_receiver_that_takes_no_streams_is_passed_over():
    def none(served, stream):
        raise AssertionError

    settings = {SettingCodes.MAX_CONCURRENT_STREAMS: 0}
    with http2_peer(none, settings=settings) as full, grpc_peer() as peer:
        env = {ENDPOINT: f"ipv4:127.0.0.1:{full.port},127.0.0.1:{peer.port}", "OTEL_EXPORTER_OTLP_INSECURE": "true",
               "DISTROKIT_OTLP_BALANCING": "round_robin"}  # fmt: skip
        with exporting("grpc", "traces", peer, env) as sent:
            for one in "abcd":
                assert sent.attempt(one) is None
    with http2_peer(none, settings=settings) as full, exporting("grpc", "traces", full) as sent:
        left = sent.attempt("abc")
        assert (left.cause, sent.left(left), sent.lost) == ("the receiver takes no more streams", 3, [])
        # It was not sent, so it need not be asked for.
        assert sent.exporter._unsure[1] == 0


def test_goaway_together_with_the_settings():
    begun = []

    def answer(served, stream):
        served.accept(stream)

    with http2_peer(answer) as peer, exporting("grpc", "traces", peer) as sent:
        real = socket.socket.sendall

        class Ending(Served):
            def flush(self):
                data = self.h2.data_to_send()
                if self.number == 1 and not begun:
                    begun.append(1)
                    data += b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"
                real(self.raw, data)

        import http2_peer as module

        original, module.Served = module.Served, Ending
        try:
            begin = time.monotonic()
            assert sent.attempt("abc", 6) is None
            assert time.monotonic() - begin < 4
        finally:
            module.Served = original


@pytest.mark.parametrize("data", [b"\x10\x01", b"\x0a\x02\x18\x07", b"\x0a\x04\x08\x00\x18\x07"])
def test_fields_that_a_response_may_have_some_day(data):
    assert read_export_response(data) == (0, "")
    with pytest.raises(ValueError, match="not an OTLP response"):
        read_export_response(data, strict=True)
    frame = b"\0" + len(data).to_bytes(4, "big") + data
    answering = lambda served, stream: served.accept(stream, frame)  # noqa: E731
    with http2_peer(answering) as peer, exporting("grpc", "traces", peer) as sent:
        assert sent.attempt("abc") is None
        assert sent.lost == []


# --------------------------------------------------------------------------- half open


@PROTOCOLS
def test_shutdown_ends_a_connection_that_is_being_opened(protocol):
    with (
        silent() as port,
        PEERS[protocol]() as peer,
        exporting(protocol, "traces", peer, {ENDPOINT: f"https://127.0.0.1:{port}"}) as sent,
    ):
        begin, ended = time.monotonic(), []
        thread = threading.Thread(target=lambda: ended.append(sent.attempt("abc", 20)))
        thread.start()
        time.sleep(0.5)
        sent.exporter.shutdown()
        thread.join(5)
        assert len(ended) == 1
        assert time.monotonic() - begin < 4


@PROTOCOLS
def test_a_name_that_is_resolved_slowly_ends_at_the_deadline(protocol, monkeypatch):
    real, free = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host, *args, **kwargs):
        if host == b"slow.test":
            free.wait(10)
            host = b"127.0.0.1"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with (
        PEERS[protocol]() as peer,
        exporting(protocol, "traces", peer, {ENDPOINT: f"http://slow.test:{peer.port}"}) as sent,
    ):
        begin = time.monotonic()
        for _ in range(2):
            left = sent.attempt("abc", 0.4)
            assert sent.left(left) == 3
            assert left.cause == "name resolution failed: slow.test: name resolution timed out"
        assert time.monotonic() - begin < 3
        # Both waited for the same resolution.
        assert sum(thread.name == "distrokit-otlp-resolver" for thread in threading.enumerate()) == 1
        free.set()
        assert sent.exporter.attempt(left.items, 5) is None


def test_an_alert_that_is_not_about_certificates_is_tried_again():
    """As of an ingress that has not loaded its certificate yet."""

    def answer(listener):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                with raw:
                    raw.recv(4096)
                    # A fatal alert: internal error.
                    raw.sendall(b"\x15\x03\x03\x00\x02\x02\x50")

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        grpc_peer() as peer,
        exporting("grpc", "traces", peer, {ENDPOINT: f"https://127.0.0.1:{listener.getsockname()[1]}"}) as sent,
    ):
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        left = sent.attempt("abc", 4)
        assert (sent.left(left), sent.lost) == (3, [])


def test_a_wrapped_socket_is_shut_down():
    """As eventlet's, which is no subclass of Python's."""
    here, there = socket.socketpair()

    class Green:
        fd = here

    with here, there:
        shut_down(Green())
        assert there.recv(1) == b""


# --------------------------------------------------------------------------------- names


def test_a_name_with_a_dot_at_its_end_has_the_certificate_of_the_name(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    for protocol, make in PEERS.items():
        with make(tls=TLS(authority, names=("collector.test",))) as peer, proxy() as way:
            way.hosts[f"collector.test.:{peer.port}"] = ("127.0.0.1", peer.port)
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{way.port}")
            env = {
                ENDPOINT: f"https://collector.test.:{peer.port}",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem"),
            }
            with exporting(protocol, "traces", peer, env) as sent:
                assert sent.attempt("abc") is None


def test_the_interface_of_a_link_local_address(monkeypatch):
    target = target_of("http://[fe80::1%25eth7]:4317", tls=False)
    (address,) = target.listed
    assert (address.host, address.is_number, target.authority(address)) == ("fe80::1%eth7", False, "[fe80::1]:4317")
    found = [(socket.AF_INET6, 1, 6, "", ("fe80::1", 4317, 0, 4))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: found if host == b"fe80::1%eth7" else [])
    assert look_up(address) == [Address("fe80::1", 4317, 4)]


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("ipv4:10.0.0.2:431700", "431700 is not a port"),
        ("dns:///collector:99999", "99999 is not a port"),
        ("ipv6:[fd00::1]:0", "0 is not a port"),
        ("dns:///a:4317,b:4317", "dns: takes one name"),
    ],
)
def test_forms_with_mistakes(endpoint, why):
    assert why in problems(planned({ENDPOINT: endpoint}))[0]


def test_behind_a_proxy_a_list_is_spread_as_well(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.test:1")
    target = target_of("ipv4:10.0.0.1:4317,10.0.0.2:4317,10.0.0.3:4317", tls=False)

    class Opens(Connector):
        def open(self, address, proxy, deadline):
            assert proxy.host == "proxy.test"

    class Made:
        sent_whole = False

        def __init__(self, address):
            self.address = address

        def usable(self, deadline):
            return True

        def interrupt(self): ...

        def close(self): ...

    used, first = Counter(), set()
    for _ in range(40):
        connections = Connections(
            Opens(target, lambda: None, grpc=True), lambda raw, address, _: Made(address), 0, round_robin=True
        )
        for number in range(3):
            address = connections.get(time.monotonic() + 5).address
            connections.release()
            used[address] += 1
            first.add(address) if not number else None
    assert set(used.values()) == {40}
    assert len(first) == 3


def test_networks_in_brackets_need_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://p:1")
    monkeypatch.setenv("no_proxy", "[::1]")
    assert proxy_for("http", "::1", 4318, grpc=False) is None
    assert Proxy("http", "::1", 3128).place == "[::1]:3128"


def test_a_file_with_a_list_of_headers_and_a_line_feed():
    assert parse_headers("a1=1,b2=2\n") == ({"a1": "1", "b2": "2"}, [])


def test_roots_that_are_not_there_are_named(monkeypatch, tmp_path):
    for protocol, name in (("grpc", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"), ("http/protobuf", "REQUESTS_CA_BUNDLE")):
        monkeypatch.setenv(name, str(tmp_path / "nothing.pem"))
        env = {ENDPOINT: f"https://127.0.0.1:{closed_port()}"}
        missing = pytest.raises(AssertionError, match=f"{name}={tmp_path}/nothing.pem: No such file")
        with grpc_peer() as peer, missing, exporting(protocol, "traces", peer, env):
            pass

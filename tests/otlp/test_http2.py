"""grpc over HTTP/2 of our own, frame by frame: what a receiver may do to a connection, and what comes of it."""

from __future__ import annotations

import base64
import gzip
import socket
import struct
import threading
import time
from contextlib import contextmanager

import pytest
from exporting import exporting
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from http2_peer import HEADERS, Served, http2_peer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import grpc_peer

from distrokit_otlp.connection.failure import ConnectionFailure
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.grpc import connection
from distrokit_otlp.grpc.goaway import GoAwayFilter
from distrokit_otlp.grpc.message import frame, unframe


@contextmanager
def sending(answering=Served.accept, signal="traces", env=None, **options):
    with http2_peer(answering, **options) as peer, exporting("grpc", signal, peer, env) as sent:
        yield peer, sent


def goaway(last_stream: int, code: int = 0) -> bytes:
    return struct.pack(">BHBBIII", 0, 8, 7, 0, 0, last_stream, code)


# --------------------------------------------------------------------------------- one request


def test_what_a_request_has():
    env = {"OTEL_EXPORTER_OTLP_TIMEOUT": "9000", "OTEL_EXPORTER_OTLP_HEADERS": "x-a=1,x-bin=AAE"}
    with sending(env=env) as (peer, sent):
        assert sent.attempt("abc") is None
    ((_, headers, body),) = peer.requests
    assert {name: headers[name] for name in (":method", ":scheme", ":path", ":authority", "te", "content-type")} == {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        ":authority": f"127.0.0.1:{peer.port}",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    assert headers["user-agent"].startswith("distrokit/")
    assert headers["grpc-timeout"].endswith("m")
    assert 0 < int(headers["grpc-timeout"][:-1]) <= 8000
    assert (headers["x-a"], headers["x-bin"]) == ("1", "AAE")
    assert body[:5] == struct.pack(">BI", 0, len(body) - 5)


def test_requests_share_a_connection_and_it_is_compressed_if_asked_for():
    with sending(env={"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}) as (peer, sent):
        for ids in "abc":
            assert sent.attempt(ids) is None
    assert len(peer.connections) == 1
    assert [stream for stream, _, _ in peer.requests] == [1, 3, 5]
    for _, headers, body in peer.requests:
        assert headers["grpc-encoding"] == "gzip"
        assert body[0] == 1
        assert gzip.decompress(body[5:])


@pytest.mark.parametrize("window", [1000, 65_535, 1_000_000])
def test_the_receivers_windows_are_respected(window):
    with sending(settings={SettingCodes.INITIAL_WINDOW_SIZE: window}) as (peer, sent):
        assert sent.attempt(range(100), padding=6_000) is None
        ((_, _, body),) = peer.requests
        assert len(body) > 600_000


def test_a_window_that_opens_late():
    held = []

    def hold(served, stream, size):
        held.append((stream, size))
        if sum(size for _, size in held) >= 30_000:
            time.sleep(0.05)
            for one, length in held:
                served.h2.acknowledge_received_data(length, one)
            held.clear()

    with sending() as (peer, sent):
        peer.on_data = hold
        assert sent.attempt(range(50), padding=6_000) is None


def test_an_answer_before_the_whole_request_is_read():
    """As nginx refuses a large one."""

    refused = []

    def refuse(served, stream, size):
        served.h2.acknowledge_received_data(size, stream)
        if not refused:
            refused.append(stream)
            served.refuse(stream, (":status", "413"), ("content-type", "text/html"), body=b"<html></html>")
            served.h2.reset_stream(stream, ErrorCodes.NO_ERROR)

    with sending(settings={SettingCodes.INITIAL_WINDOW_SIZE: 100_000}) as (peer, sent):
        peer.on_data = refuse
        assert sent.attempt(range(8), padding=30_000) is None
        assert (refused, sent.lost) == ([1], [])
        # In parts, over the same connection.
        assert len(peer.requests) >= 2
        assert len(peer.connections) == 1


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ([(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "3"), ("grpc-message", "n%C3%A4%25")], "INVALID_ARGUMENT: nä%"),
        ([(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "99")], "UNKNOWN"),
        ([(":status", "200"), ("content-type", "text/html")], "the response is of type text/html, not grpc"),
        ([(":status", "200"), ("content-type", "application/grpc")], "the response is of type application/grpc, not grpc"),
        ([(":status", "404")], "UNIMPLEMENTED: HTTP status 404"),
        ([(":status", "418")], "UNKNOWN: HTTP status 418"),
        ([(":status", "403")], "PERMISSION_DENIED: HTTP status 403"),
    ],
)  # fmt: skip
def test_answers_without_a_message(headers, says):
    with sending(lambda served, stream: served.refuse(stream, *headers)) as (peer, sent):
        assert sent.left(sent.attempt("abc")) == 0
        ((items, reason, cause),) = sent.lost
        assert (items, reason) == (3, "failed")
        assert says in cause
        assert len(peer.requests) == 1


@pytest.mark.parametrize(("status", "unsure"), [("503", False), ("429", False), ("502", True), ("504", True)])
def test_a_proxy_that_cannot_pass_it_on(status, unsure):
    def answer(served, stream):
        if served.requests[1:]:
            served.accept(stream)
        else:
            served.refuse(stream, (":status", status))

    with sending(answer) as (peer, sent):
        left = sent.attempt("abc")
        assert (sent.left(left), left.reached) == (3, True)
        assert sent.exporter.attempt(left.items, 5) is None
        # After 502 and 504 an empty request is answered first.
        assert len(peer.requests) == (3 if unsure else 2)


def test_a_compressed_answer_and_one_that_is_too_large_and_one_that_is_none():
    partial = b"\x0a\x07\x08\x02\x12\x03two"
    packed = gzip.compress(partial)
    bodies = iter([
        struct.pack(">BI", 1, len(packed)) + packed,
        struct.pack(">BI", 1, 5) + b"wrong",
        struct.pack(">BI", 0, 9) + b"cut",
        struct.pack(">BI", 0, 3) + b"\xff\xff\xff",
        struct.pack(">BI", 1, len(bomb := gzip.compress(bytes(5_000_000)))) + bomb,
        b"\0",
    ])  # fmt: skip
    with sending(lambda served, stream: served.accept(stream, next(bodies))) as (_, sent):
        assert sent.attempt("abc") is None
        assert sent.lost == [(2, "rejected", "two")]
        for says in ("cannot be decompressed", "is cut", "not OTLP", "too large", "is cut"):
            assert sent.left(sent.attempt("abc")) == 0
            assert says in sent.lost[-1][2]


def test_a_delay_in_the_details():
    info = b"\x0a\x02\x08\x07"
    detail = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12" + bytes([len(info)]) + info
    status = b"\x08\x08\x12\x02no\x1a" + bytes([len(detail)]) + detail
    text = base64.b64encode(status).rstrip(b"=").decode()
    refusal = [*HEADERS, ("grpc-status", "8"), ("grpc-message", "no"), ("grpc-status-details-bin", text)]
    with sending(lambda served, stream: served.refuse(stream, *refusal)) as (_, sent):
        left = sent.attempt("abc")
        assert (sent.left(left), left.wait_seconds) == (3, 7.0)


# --------------------------------------------------------------------- the end of a connection


def test_a_connection_that_the_receiver_ends_while_it_is_idle():
    def answer(served, stream):
        served.accept(stream)
        served.flush()
        served.raw.sendall(goaway(stream))

    with sending(answer) as (peer, sent):
        for ids in "abc":
            assert sent.attempt(ids) is None
    assert len(peer.connections) == 3


def test_goaway_before_the_answer_to_a_stream_that_is_processed():
    """As grpc-go ends a connection at its age: first for all streams to come, then for those after the last."""

    def answer(served, stream):
        served.raw.sendall(goaway(2**31 - 1))
        served.h2.ping(b"goaway!!")
        served.flush()
        served.raw.sendall(goaway(stream))
        time.sleep(0.05)
        served.accept(stream)

    with sending(answer) as (peer, sent):
        for ids in "abc":
            assert sent.attempt(ids) is None
        assert sent.lost == []
    assert len(peer.requests) == len(peer.connections) == 3


@pytest.mark.parametrize("how", ["goaway", "refused stream"])
def test_a_stream_that_is_not_processed_is_sent_again_at_once(how):
    def answer(served, stream):
        if served.number == 1:
            if how == "goaway":
                served.raw.sendall(goaway(0))
            else:
                served.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        else:
            served.accept(stream)

    with sending(answer) as (peer, sent):
        assert sent.attempt("abc") is None
    assert [served.number for served in peer.connections] == [1, 2]


def test_a_receiver_that_never_processes_is_asked_three_times():
    with sending(lambda served, stream: served.raw.sendall(goaway(0))) as (peer, sent):
        left = sent.attempt("abc")
        assert (sent.left(left), sent.lost) == (3, [])
        assert left.cause == "the receiver closes the connection"
    assert len(peer.requests) == 3


def test_a_stream_that_is_reset_may_have_been_processed():
    """It is sent again only after the receiver has answered an empty request."""
    first = iter([True])

    def answer(served, stream):
        if next(first, False):
            served.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        else:
            served.accept(stream)

    with sending(answer) as (peer, sent):
        left = sent.attempt("abc")
        assert "stream closed by the receiver: INTERNAL_ERROR" in left.cause
        assert sent.exporter.attempt(left.items, 5) is None
        assert [len(body) == 5 for _, _, body in peer.requests] == [False, True, False]


def test_an_idle_receiver_shows_that_it_is_there(monkeypatch):
    monkeypatch.setattr(connection, "_IDLE", 0.0)
    with sending() as (peer, sent):
        for ids in "abc":
            assert sent.attempt(ids) is None
    assert peer.connections[0].pings == 2


def test_a_connection_that_died_silently_while_idle_loses_nothing(monkeypatch):
    """As behind a firewall that has forgotten it: the request goes over another connection, and goes once."""
    monkeypatch.setattr(connection, "_IDLE", 0.0)
    monkeypatch.setattr(connection, "_PING_TIME", 0.2)
    dead = threading.Event()

    def answer(served, stream):
        served.accept(stream)
        if served.number == 1:
            served.flush()
            dead.wait(5)

    with sending(answer) as (peer, sent):
        assert sent.attempt("a") is None
        assert sent.attempt("b") is None
        dead.set()
        assert [len(served.requests) for served in peer.connections] == [1, 1]


# ----------------------------------------------------------------------- hostile, and no HTTP/2


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(greeting=st.booleans(), noise=st.binary(min_size=1, max_size=200))
def test_whatever_is_sent_a_connection_ends_with_an_error_of_its_own(greeting, noise):
    here, there = socket.socketpair()
    settings_frame = b"\0\0\0\4\0\0\0\0\0"
    try:
        there.sendall((settings_frame if greeting else b"") + noise)
        there.shutdown(socket.SHUT_WR)
        found = TimedSocket(here)
        found.deadline = time.monotonic() + 5
        try:
            opened = connection.Http2Connection(found, Address("127.0.0.1", 1))
            opened.request([(b":method", b"POST")], b"\0" * 70_000, time.monotonic() + 5)
        except (ConnectionFailure, OSError, connection.NotProcessed):
            pass
    finally:
        here.close()
        there.close()


@given(cuts=st.lists(st.integers(1, 40), max_size=8), kinds=st.lists(st.sampled_from([0, 4, 6, 7, 8]), max_size=6))
def test_goaway_is_taken_out_wherever_the_bytes_are_cut(cuts, kinds):
    frames = [
        goaway(5, 2) if kind == 7 else len(payload := bytes(kind * 3)).to_bytes(3, "big") + bytes([kind, 0, 0, 0, 0, 1]) + payload
        for kind in kinds
    ]  # fmt: skip
    data, found, left = b"".join(frames), b"", GoAwayFilter()
    for cut in cuts:
        found += left.feed(data[:cut])
        data = data[cut:]
    found += left.feed(data)
    assert found == b"".join(one for one, kind in zip(frames, kinds, strict=True) if kind != 7)
    assert (left.last_stream, left.error) == ((5, 2) if 7 in kinds else (None, 0))


@given(st.binary(max_size=300), st.sampled_from(["none", "gzip"]))
def test_a_message_comes_out_as_it_went_in(message, compression):
    assert unframe(frame(message, compression)) == message


def test_headers_without_end():
    def answer(served, stream):
        served.h2.send_headers(stream, [*HEADERS, *((f"x-{number}", "y" * 2000) for number in range(60))])

    with sending(answer) as (_, sent):
        left = sent.attempt("abc", 3)
        assert sent.left(left) == 3
        assert "not HTTP/2, or broken" in left.cause


def test_shutdown_ends_a_request_under_way():
    with sending(lambda served, stream: None) as (peer, sent):
        begin, ended = time.monotonic(), []
        thread = threading.Thread(target=lambda: ended.append(sent.attempt("abc", 20)))
        thread.start()
        while not peer.requests and time.monotonic() - begin < 5:
            time.sleep(0.01)
        sent.exporter.shutdown()
        thread.join(5)
        assert len(ended) == 1
        assert time.monotonic() - begin < 8


def test_grpcio_goes_back(monkeypatch):
    import sys

    with grpc_peer() as peer, exporting("grpc", "logs", peer, {"DISTROKIT_OTLP_GRPC": "grpcio"}) as sent:
        assert sent.attempt("abc") is None
        assert "grpc-c" in peer.ledger.requests[0].headers["user-agent"]
        assert type(sent.exporter.sender.get()).__name__ == "GrpcioSender"
    assert "grpc" in sys.modules

"""The sink of the delivery tests counts exactly, and each of its behaviours does what it says."""

from __future__ import annotations

import gzip
import http.client
import importlib
import itertools
import socket
import ssl
import threading
import time
import zlib
from collections import Counter
from email.utils import parsedate_to_datetime

import golden
import grpc
import peers
import pytest
from answering import Authority
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from ledger import SERVICES
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from peers import PEERS, accept, first, only, refuse, sometimes

RESOURCE = Resource({"service.instance.id": "me", "process.pid": 7})
PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))


def exporter(protocol: str, signal: str, peer, **options):
    """Upstream's."""
    package = f"opentelemetry.exporter.otlp.proto.{protocol.partition('/')[0]}"
    module, kind = {
        "traces": ("trace_exporter", "OTLPSpanExporter"),
        "metrics": ("metric_exporter", "OTLPMetricExporter"),
        "logs": ("_log_exporter", "OTLPLogExporter"),
    }[signal]
    endpoint = peer.endpoint + (SERVICES[signal].path if protocol != "grpc" else "")
    return getattr(importlib.import_module(f"{package}.{module}"), kind)(endpoint=endpoint, timeout=5, **options)


def send_spans(protocol: str, peer, ids, **options) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter(protocol, "traces", peer, **options)))
    for one in ids:
        provider.get_tracer("t").start_span("s", attributes={"id": one}).end()
    provider.shutdown()


def a_request(n: int = 2, padding: int = 0) -> bytes:
    """Of spans with the ids 0 to n-1."""
    message = SERVICES["traces"].request()
    scoped = message.resource_spans.add().scope_spans.add()
    for one in range(n):
        span = scoped.spans.add(name="x" * padding)
        span.attributes.add(key="id").value.int_value = one
    return message.SerializeToString()


def post(peer, body: bytes | None = None, path: str = "/v1/traces", headers=None, timeout: float = 5):
    """The answer's status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=timeout)
    try:
        connection.request("POST", path, a_request() if body is None else body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def call(peer, body: bytes | None = None, timeout: float = 5, credentials=None) -> bytes:
    """The answer's bytes. Raises ``grpc.RpcError``."""
    address = f"127.0.0.1:{peer.port}"
    with grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address) as channel:
        return channel.unary_unary(SERVICES["traces"].method)(a_request() if body is None else body, timeout=timeout)


def code_of(peer, **options) -> grpc.StatusCode | None:
    try:
        call(peer, **options)
    except grpc.RpcError as error:
        return error.code()


@PROTOCOLS
def test_counts_exactly_what_upstream_sends(protocol):
    with PEERS[protocol]() as peer:
        send_spans(protocol, peer, range(600))
        logs = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(exporter(protocol, "logs", peer)))
        for one in "ab":
            logs.get_logger("l").emit(body="b", attributes={"id": one})
        logs.shutdown()
        reader = PeriodicExportingMetricReader(exporter(protocol, "metrics", peer))
        meters = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
        meter = meters.get_meter("m")
        counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
        counter.add(2, {"id": "x"})
        counter.add(1, {"id": "y"})
        histogram.record(5)
        meters.force_flush()
        counter.add(3, {"id": "x"})
        meters.shutdown()
        ledger = peer.ledger
        assert ledger.spans == Counter(map(str, range(600)))
        assert ledger.logs == Counter("ab")
        assert ledger.lost(range(601), "traces") == ["600"]
        assert ledger.lost("xyz", "metrics") == ["z"]
        assert not ledger.duplicated("traces")
        assert not ledger.duplicated("logs")
        assert not ledger.duplicated("metrics")
        assert len(ledger.points) == 6
        assert (ledger.total("c"), ledger.total("c", id="x"), ledger.total("h")) == (6, 5, 5)
        point = ledger.points[0]
        assert (point.name, point.instance, point.pid, point.kind, point.temporality) == ("c", "me", 7, "sum", 2)
        assert 0 < point.start_time < point.time
        assert ledger.undecodable == ledger.incomplete == 0
        (first_request, *_), others = ledger.requests, {r.signal for r in ledger.requests}
        assert others == {"traces", "logs", "metrics"}
        assert all(r.accepted and r.port and r.size and r.message for r in ledger.requests)
        assert first_request.items in range(1, 513)
        assert "user-agent" in first_request.headers
        assert ledger.resources == [{"service.instance.id": "me", "process.pid": 7}]


@PROTOCOLS
def test_notices_copies(protocol):
    with PEERS[protocol]() as peer:
        for ids in ([1, 2, 3], [2, 3], [3]):
            send_spans(protocol, peer, ids)
        assert peer.ledger.duplicated("traces") == {"2": 1, "3": 2}
        assert peer.ledger.wait_for(3, "traces", 0)
        assert not peer.ledger.wait_for(4, "traces", 0.05)
        assert peer.ledger.wait_for_requests(3, "traces", 0)


@PROTOCOLS
def test_unpacks(protocol):
    compression = grpc.Compression.Gzip
    if protocol != "grpc":
        compression = importlib.import_module("opentelemetry.exporter.otlp.proto.http").Compression.Deflate
    with PEERS[protocol]() as peer:
        send_spans(protocol, peer, range(100), compression=compression)
        if protocol != "grpc":
            assert post(peer, gzip.compress(a_request()), headers={"content-encoding": "gzip"})[0] == 200
            assert peer.ledger.requests[-1].size == len(a_request())
        assert not peer.ledger.lost(range(100), "traces")


@PROTOCOLS
def test_refuses_the_first_with_a_delay(protocol):
    with PEERS[protocol](first(1, refuse(503, retry_after=1))) as peer:
        send_spans(protocol, peer, [1])
        refused, accepted = peer.ledger.requests
        assert (refused.accepted, accepted.accepted) == (False, True)
        assert 0.7 < accepted.time - refused.time < 2.5
        assert peer.ledger.spans == {"1": 1}


def test_forms_of_a_delay():
    with PEERS["http/protobuf"](refuse(429, retry_after=60, as_date=True)) as peer:
        status, headers, body = post(peer)
        assert status == 429
        assert Status.FromString(body).message == "refused"
        assert abs(parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time() - 60) < 3
    with PEERS["grpc"](refuse(503, retry_after=1.5, in_details=True)) as peer:
        with pytest.raises(grpc.RpcError) as raised:
            call(peer)
        status, info = Status.FromString(dict(raised.value.trailing_metadata())["grpc-status-details-bin"]), RetryInfo()
        assert status.code == grpc.StatusCode.UNAVAILABLE.value[0]
        assert status.details[0].Unpack(info)
        assert info.retry_delay.ToMilliseconds() == 1500


@PROTOCOLS
def test_composes(protocol):
    ask = (lambda p: code_of(p) is None) if protocol == "grpc" else (lambda p: post(p)[0] == 200)
    with PEERS[protocol](first(1, refuse(503), first(1, refuse(400)))) as peer:
        assert [ask(peer) for _ in range(4)] == [False, False, True, True]
        told = ["503", "400", "200", "200"] if protocol != "grpc" else ["UNAVAILABLE", "INVALID_ARGUMENT", "OK", "OK"]
        assert [request.answered for request in peer.ledger.requests] == told
        peer.behave(only("metrics", refuse(500)))
        assert ask(peer)
        peer.behave(sometimes(0.5, refuse(503), seed=3))
        drawn = [ask(peer) for _ in range(20)]
        peer.behave(sometimes(0.5, refuse(503), seed=3))
        assert drawn == [ask(peer) for _ in range(20)]
        assert 4 < sum(drawn) < 16
        peer.behave(lambda signal, number, items: refuse(400)(signal, number, items) if "1" in items() else None)
        assert not ask(peer)


@PROTOCOLS
def test_partial_success(protocol):
    with PEERS[protocol](peers.partial(2, "too old")) as peer:
        body = call(peer, a_request(5)) if protocol == "grpc" else post(peer, a_request(5))[2]
        answer = SERVICES["traces"].answer.FromString(body).partial_success
        assert (answer.rejected_spans, answer.error_message) == (2, "too old")
        assert peer.ledger.spans == Counter("012")
        assert peer.ledger.requests[0].items == 5


@PROTOCOLS
def test_hangs_and_waits_are_ended_by_the_client_and_by_a_stop(protocol):
    ask = (lambda p, t: call(p, timeout=t)) if protocol == "grpc" else (lambda p, t: post(p, timeout=t))
    with PEERS[protocol](peers.hang(20)) as peer:
        with pytest.raises((grpc.RpcError, OSError)):
            ask(peer, 0.2)
        peer.behave(peers.slow(20))
        with pytest.raises((grpc.RpcError, OSError)):
            ask(peer, 0.2)
        assert peer.ledger.wait_for(2, "traces", 2)
        assert [request.accepted for request in peer.ledger.requests] == [False, True]
        peer.behave(peers.hang(0.3))
        ask(peer, 5)
        assert peer.ledger.duplicated("traces") == {"0": 1, "1": 1}
        peer.behave(peers.never())
        failed = threading.Event()

        def blocked() -> None:
            try:
                ask(peer, 20)
            except (grpc.RpcError, OSError, http.client.HTTPException):
                failed.set()

        thread = threading.Thread(target=blocked)
        thread.start()
        assert peer.ledger.wait_for_requests(4, "traces", 3)
        begin = time.monotonic()
        peer.stop()
        assert time.monotonic() - begin < 15
        thread.join(3)
        assert failed.is_set()
        assert [request.accepted for request in peer.ledger.requests] == [False, True, True, False]


@PROTOCOLS
def test_restarts_on_its_port_and_drops_kept_connections(protocol):
    with PEERS[protocol]() as peer:
        port, kept = peer.port, exporter(protocol, "traces", peer)
        spans = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s", attributes={"id": 1})
        spans.end()
        kept.export([spans])
        peer.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        peer.restart()
        assert peer.port == port
        kept.export([spans])
        kept.shutdown()
        assert peer.ledger.spans == {"1": 2}


def test_drops_after_counting():
    with PEERS["http/protobuf"](peers.drop_after_counting()) as peer:
        with pytest.raises(http.client.RemoteDisconnected):
            post(peer)
        assert peer.ledger.spans == Counter("01")
    with PEERS["grpc"](peers.drop_after_counting()) as peer:
        assert code_of(peer) is grpc.StatusCode.UNAVAILABLE
        assert peer.ledger.spans == Counter("01")


def test_resets_in_the_body():
    with PEERS["http/protobuf"](peers.reset_in_body()) as peer:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            post(peer, a_request(padding=4_000_000))
        assert not peer.ledger.spans
        assert peer.ledger.requests[0].answered == "reset"
    with PEERS["grpc"](peers.reset_in_body()) as peer:
        assert code_of(peer) is grpc.StatusCode.UNAVAILABLE
        assert not peer.ledger.spans


def test_foreign_answers():
    with PEERS["http/protobuf"](peers.html()) as peer:
        assert post(peer)[0] == 200
        assert post(peer)[2].startswith(b"<html>")
        peer.behave(peers.redirect("http://127.0.0.1:9/"))
        status, headers, _ = post(peer)
        assert (status, headers["location"]) == (307, "http://127.0.0.1:9/")
        assert not peer.ledger.spans
        peer.behave(peers.json_answer())
        assert post(peer)[1:] == (
            {"content-length": "21", "content-type": "application/json"},
            b'{"partialSuccess":{}}',
        )
        assert peer.ledger.spans == Counter("01")
    with PEERS["grpc"](peers.html()) as peer:
        assert call(peer).startswith(b"<html>")
        peer.behave(peers.redirect("http://127.0.0.1:9/"))
        assert code_of(peer) is grpc.StatusCode.UNKNOWN


def test_dribbles():
    with PEERS["http/protobuf"](peers.dribble(0.02, 20)) as peer:
        begin = time.monotonic()
        body = post(peer)[2]
        assert len(body) == 20
        assert time.monotonic() - begin > 0.35
        assert not SERVICES["traces"].answer.FromString(body).partial_success.error_message
        peer.behave(peers.dribble(0.05, head=True))
        with pytest.raises(TimeoutError):
            socket_deadline(peer, 0.3)
    with PEERS["grpc"](peers.dribble(0.02, 20)) as peer:
        begin = time.monotonic()
        assert len(call(peer)) == 20
        assert time.monotonic() - begin > 0.35


def socket_deadline(peer, seconds: float) -> None:
    """Read until the head of the answer is whole; raises ``TimeoutError`` when that takes longer."""
    end, got = time.monotonic() + seconds, b""
    with socket.create_connection(("127.0.0.1", peer.port), 2) as one:
        one.sendall(b"POST /v1/traces HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
        while b"\r\n\r\n" not in got:
            got += one.recv(1)
            if time.monotonic() > end:
                raise TimeoutError(got)


def test_huge_answers():
    with PEERS["http/protobuf"](peers.huge()) as peer:
        connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=5)
        connection.request("POST", "/v1/traces", a_request())
        answer = connection.getresponse()
        assert answer.headers["content-length"] == str(200 * peers.MIB)
        assert len(answer.read(2 * peers.MIB)) == 2 * peers.MIB
        connection.close()
        peer.behave(peers.gzip_bomb())
        _, headers, body = post(peer)
        assert headers["content-encoding"] == "gzip"
        assert len(body) < peers.MIB
        unpacker, size = zlib.decompressobj(31), 0
        while body:
            size += len(unpacker.decompress(body, 16 * peers.MIB))
            body = unpacker.unconsumed_tail
        assert size + len(unpacker.flush()) == 300 * peers.MIB
    with PEERS["grpc"](peers.huge()) as peer:
        assert code_of(peer) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert peer.ledger.spans == Counter("01")


def test_limits_the_size_of_requests():
    with PEERS["http/protobuf"](max_receive_bytes=1000) as peer:
        assert post(peer, a_request(padding=500))[0] == 413
        assert post(peer)[0] == 200
        assert [(r.answered, r.size > 1000) for r in peer.ledger.requests] == [("413", True), ("200", False)]
    with PEERS["grpc"]() as peer:
        assert code_of(peer, body=a_request(padding=3 * peers.MIB)) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert code_of(peer) is None
        assert peer.ledger.spans == Counter("01")
        assert [r.accepted for r in peer.ledger.requests] == [False, True]


def test_what_is_not_otlp():
    with PEERS["http/protobuf"]() as peer:
        assert post(peer, b"\xff\xff")[0] == 400
        assert post(peer, b"\xff\xff", headers={"content-encoding": "gzip"})[0] == 400
        assert post(peer, path="/v1/traces/v1/traces")[0] == 404
        with socket.create_connection(("127.0.0.1", peer.port), 2) as one:
            one.sendall(b"\x12half a message\r\n\r\n")
            assert b"400" in one.recv(1000)
        with socket.create_connection(("127.0.0.1", peer.port), 2) as one:
            one.sendall(b"\nthe rest of a body")
            assert one.recv(1000) == b""
        assert peer.ledger.undecodable == 4
        with socket.create_connection(("127.0.0.1", peer.port), 2) as one:
            one.sendall(b"POST /v1/traces HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf")
            one.shutdown(socket.SHUT_WR)
            assert one.recv(1000) == b""
        peer.stop()
        assert (peer.ledger.undecodable, peer.ledger.incomplete, peer.ledger.connections) == (4, 1, 6)
        assert not peer.ledger.spans
    with PEERS["grpc"]() as peer:
        assert code_of(peer, body=b"\xff\xff") is grpc.StatusCode.INVALID_ARGUMENT
        assert peer.ledger.undecodable == 1


@pytest.mark.parametrize("reset", [False, True])
def test_silence(reset):
    with peers.silent_peer(reset=reset) as peer:
        with pytest.raises(OSError, match="reset" if reset else "timed out"):
            post(peer, timeout=0.2)
        assert code_of(peer, timeout=0.3) in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
        assert peer.ledger.connections >= 2
        peer.restart()
        with pytest.raises(OSError):
            post(peer, timeout=0.1)


FAULTS = ("wrong host", "expired", "unknown CA", "client certificate required")


@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_tls(tmp_path, fault):
    authority = Authority(tmp_path)
    tls = peers.tls_faults(authority).get(fault) or peers.TLS(authority)
    root = (tmp_path / "ca.pem").read_bytes()
    with PEERS["grpc"](tls=tls) as peer:
        assert peer.endpoint.startswith("https:")
        told = code_of(peer, credentials=grpc.ssl_channel_credentials(root))
        assert told is (grpc.StatusCode.UNAVAILABLE if fault else None)
    with PEERS["http/protobuf"](tls=tls) as peer:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", peer.port, timeout=3, context=context)
        try:
            connection.request("POST", "/v1/traces", a_request())
            assert connection.getresponse().status == 200
            assert not fault
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            assert fault
        finally:
            connection.close()
        assert peer.ledger.spans == ({} if fault else Counter("01"))


def test_golden_rows_have_all_pairs():
    dimensions = ["abc", "de", "fghi", "jk"]
    rows = list(golden.pairwise(dimensions))
    for one, other in itertools.combinations(range(4), 2):
        assert {(row[one], row[other]) for row in rows} == set(itertools.product(dimensions[one], dimensions[other]))
    assert len(rows) < 20


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_golden_cases_that_are_not_poisoned_arrive_once(signal):
    cases = list((golden.spans, golden.metrics, golden.logs)[list(SERVICES).index(signal)]())
    assert len({case.name for case in cases}) == len(cases)
    good = [case for case in cases if case.poisoned is False]
    with PEERS["http/protobuf"]() as peer:
        sender = exporter("http/protobuf", signal, peer)
        if signal == "traces":
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(BatchSpanProcessor(sender))
        elif signal == "logs":
            provider = LoggerProvider(shutdown_on_exit=False)
            provider.add_log_record_processor(BatchLogRecordProcessor(sender))
        else:
            provider = MeterProvider([PeriodicExportingMetricReader(sender)], shutdown_on_exit=False)
        assert not any(case.record(provider) for case in good)
        provider.shutdown()
        assert peer.ledger.ids(signal) == Counter(case.name for case in good)
        assert len(good) > 20


def test_stops_twice_and_leaves_no_thread_waiting():
    for kind in PEERS.values():
        peer = kind(accept())
        peer.start()
        peer.start()
        peer.stop()
        peer.stop()

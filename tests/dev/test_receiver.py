"""The receiver of distrokit-dev: gRPC and HTTP, protobuf and JSON, gzip, bounded."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from distrokit_dev import otlp_json
from distrokit_dev.http_endpoint import HTTPError, decompress
from distrokit_dev.receiver import Receiver
from distrokit_dev.store import TelemetryStore

IDS = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173"}
SPAN = {**IDS, "name": "json", "kind": 2, "status": {"code": 2, "message": "no"}, "attributes": [
    {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}]}}},
    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}}},
]}  # fmt: skip
TRACES = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}], "unknownField": 1}
LOGS = {
    "resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"doubleValue": 1.5}, "observedTimeUnixNano": "7"}]}]}]
}
METRICS = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [
    {"name": "h", "histogram": {"dataPoints": [{"sum": 3, "count": "2", "bucketCounts": ["2"]}]}},
    {"name": "g", "unit": "s", "gauge": {"dataPoints": [{"asDouble": 1.5}]}},
    {"name": "empty"},
]}]}]}  # fmt: skip


def post(receiver, path, body, kind="application/json", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", receiver.http_port, timeout=10)
    connection.request("POST", path, body, {"Content-Type": kind, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_json_of_all_three_signals(receiver):
    for path, data in (("/v1/traces", TRACES), ("/v1/logs", LOGS), ("/v1/metrics", METRICS)):
        assert post(receiver, path, json.dumps(data)) == (200, b"{}")

    (span,) = receiver.store.spans()
    assert (span.trace_id, span.span_id, span.parent_span_id) == tuple(IDS.values())
    assert (span.kind, span.status, span.status_message) == ("server", "error", "no")
    assert span.attributes == {"list": [1, None], "map": {"k": True}}
    (log,) = receiver.store.logs()
    assert (log.body, log.time) == (1.5, 7)
    assert [(p.name, p.kind, p.value, p.count) for p in receiver.store.points()] == [
        ("h", "histogram", 3, 2),
        ("g", "gauge", 1.5, 0),
    ]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)])
def test_packed_protobuf(receiver, encoding, pack):
    message = otlp_json.parse(json.dumps(TRACES).encode(), ExportTraceServiceRequest())
    body = pack(message.SerializeToString())

    assert post(receiver, "/v1/traces", body, "application/x-protobuf", **{"Content-Encoding": encoding})[0] == 200
    assert len(receiver.store.spans()) == 1


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/traces", b"{", {}, 400),
        ("/v1/traces", b"[]", {}, 400),
        ("/v1/traces", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}', {}, 400),
        ("/v1/traces", b"\xff\xff", {"kind": "application/x-protobuf"}, 400),
        ("/v1/profiles", b"", {}, 404),
        ("/v1/traces", b"", {"kind": "text/plain"}, 415),
        ("/v1/traces", b"{}", {"Content-Encoding": "br"}, 415),
        ("/v1/traces", b"{}", {"Content-Encoding": "gzip"}, 400),
        ("/v1/traces", gzip.compress(b"{}", mtime=0)[:-9], {"Content-Encoding": "gzip"}, 400),
        ("/v1/traces", b"x" * 2000, {}, 413),
        ("/v1/traces", gzip.compress(b"x" * 100_000, mtime=0), {"Content-Encoding": "gzip"}, 413),
        ("/v1/traces", b"{}", {"Content-Length": "x"}, 411),
    ],
)
def test_bad_requests_are_answered_and_kept_out(path, body, headers, status):
    kind = headers.pop("kind", "application/json")
    with Receiver(max_request_bytes=1000) as receiver:
        assert post(receiver, path, body, kind, **headers)[0] == status
        assert receiver.store.requests() == []
        # And it goes on.
        assert post(receiver, "/v1/traces", b"{}")[0] == 200


def test_a_client_that_goes_away_disturbs_nobody(receiver, capsys):
    with socket.create_connection(("127.0.0.1", receiver.http_port)) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    assert post(receiver, "/v1/traces", b"{}")[0] == 200
    assert capsys.readouterr() == ("", "")


def test_grpc_refuses_what_is_too_large():
    request = otlp_json.parse(json.dumps(TRACES).encode(), ExportTraceServiceRequest())
    with (
        Receiver(max_request_bytes=50) as receiver,
        grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel,
        pytest.raises(grpc.RpcError) as refused,
    ):
        TraceServiceStub(channel).Export(request, timeout=10)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_taken_port_is_said():
    with Receiver() as receiver:
        with pytest.raises(OSError, match="in use"):
            Receiver(http_port=receiver.http_port)
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{receiver.grpc_port}: .* in use"):
            Receiver(grpc_port=receiver.grpc_port)


def test_the_store_keeps_within_its_bound():
    request = otlp_json.parse(json.dumps(TRACES).encode(), ExportTraceServiceRequest())
    store = TelemetryStore(max_bytes=3 * (request.ByteSize() + 128))

    for _ in range(5):
        store.add(request)

    assert len(store.requests()) == 3
    assert store.dropped == 2
    assert store.wait_until(lambda: len(store.spans()) == 3, 1)
    assert not store.wait_until(lambda: False, 0.01)


@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "deflate", "identity", "GZIP "]))
def test_no_body_breaks_the_unpacking(body, encoding):
    try:
        assert len(decompress(body, encoding, 100)) <= 200
    except HTTPError as error:
        assert error.status in (400, 413, 415)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(
    st.sampled_from(["traceId", "resourceSpans", "scopeSpans", "spans", "name", "attributes", "value", "key"]), c)))  # fmt: skip
def test_no_json_breaks_the_parsing(data):
    try:
        otlp_json.parse(json.dumps(data).encode(), ExportTraceServiceRequest())
    except ValueError as error:
        assert str(error).startswith("not OTLP JSON")


def test_a_metric_without_data_has_no_points():
    assert Metric().WhichOneof("data") is None

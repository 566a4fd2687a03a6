"""OTLP over http/json: the requests are those over protobuf in another form, and need no other package."""

from __future__ import annotations

import base64
import inspect
import json
import re
import sys
from typing import Any

import pytest
from exporting import exporting
from generated_items import MANY, METRICS, RECORDS, SPANS, bounded, listed, span
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from otlp_items import SERVICES
from peers import http_peer
from processes import instrumented, said
from releases import needs_json

from distrokit_otlp.signals import Logs, Metrics, SignalInOTLP, Traces
from distrokit_otlp.wire.json_form import JsonForm

#: One encoder for all examples, so that its caches are full of other examples' values.
JSON: dict[type[SignalInOTLP], SignalInOTLP] = {kind: kind(json=True) for kind in (Traces, Logs, Metrics)}
PROTOBUF: dict[type[SignalInOTLP], SignalInOTLP] = {kind: kind() for kind in (Traces, Logs, Metrics)}


# ------------------------------------------------------------------------ what a person reads


def test_a_span():
    item = span(
        name='say "hé"\n', context=SpanContext(0xAB, 0xCD, False), parent=SpanContext(0xAB, 0xEF, True), kind=SpanKind.SERVER,
        start_time=1_700_000_000_000_000_001, resource=Resource({"service.name": "shop"}), status=Status(StatusCode.ERROR, "no"),
        attributes=bounded({"t": "x", "i": -1, "f": 0.5, "n": float("nan"), "b": True, "raw": b"\xff\xfe", "l": (1, None), "m": {"k": ""}}, 7),
        events=listed([Event("e", bounded({}), 3)], 0), links=listed([Link(SpanContext(1, 2, False), bounded({}))], 0),
        instrumentation_scope=InstrumentationScope("lib", "1"),
    )  # fmt: skip
    pairs = (
        '{"key":"t","value":{"stringValue":"x"}}',
        '{"key":"i","value":{"intValue":"-1"}}',
        '{"key":"f","value":{"doubleValue":0.5}}',
        '{"key":"n","value":{"doubleValue":"NaN"}}',
        '{"key":"b","value":{"boolValue":true}}',
        '{"key":"raw","value":{"bytesValue":"//4="}}',
        '{"key":"l","value":{"arrayValue":{"values":[{"intValue":"1"},{}]}}}',
        '{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":""}}]}}}',
    )
    assert JSON[Traces].encode([item]).decode() == (
        '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":['
        '{"scope":{"name":"lib","version":"1"},"spans":[{"traceId":"000000000000000000000000000000ab","spanId":"00000000000000cd",'
        r'"parentSpanId":"00000000000000ef","name":"say \"hé\"\n","kind":2,"startTimeUnixNano":"1700000000000000001",'
        f'"endTimeUnixNano":"2","attributes":[{",".join(pairs)}],"droppedAttributesCount":7,'
        '"events":[{"timeUnixNano":"3","name":"e"}],'
        '"links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","flags":256}],'
        '"status":{"message":"no","code":2},"flags":768}]}]}]}'
    )


@pytest.mark.parametrize(("kind", "nothing"), [(Traces, []), (Logs, []), (Metrics, MetricsData([]))])
def test_nothing(kind, nothing):
    assert JSON[kind].encode(nothing) == JSON[kind].empty == b"{}"


# -------------------------------------------------------- the same as protobuf, for all values


def with_base64_ids(node: Any) -> Any:
    """OTLP's JSON as protobuf's own, which has ids in base64."""
    if isinstance(node, list):
        return [with_base64_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for name, value in node.items():
        if name in ("traceId", "spanId", "parentSpanId"):
            assert re.fullmatch(r"(?:[0-9a-f]{16}){1,2}", value)
            found[name] = base64.b64encode(bytes.fromhex(value)).decode()
        else:
            found[name] = with_base64_ids(value)
    return found


def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose names must be unique, and those of the specification; protobuf reads names like `trace_id`, too."""
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) for name in names)
    return dict(pairs)


def as_json(message: Message) -> Any:
    return MessageToDict(message, use_integers_for_enums=True)


def check(kind: type[SignalInOTLP], items: Any) -> None:
    body, message = JSON[kind].encode(items), SERVICES[kind.name].request
    parsed = json.loads(body, object_pairs_hook=as_dict)
    assert json.dumps(parsed, separators=(",", ":"), ensure_ascii=False).encode() == body
    # As dicts, since NaN does not equal itself; an unknown name is an error.
    found, wanted = with_base64_ids(parsed), as_json(message.FromString(PROTOBUF[kind].encode(items)))
    assert found == wanted
    assert as_json(ParseDict(found, message())) == wanted


@MANY
@given(st.lists(SPANS, max_size=4), st.integers(0, 3))
def test_spans_are_those_over_protobuf(spans, again):
    check(Traces, spans + spans[:again])


@MANY
@given(st.lists(RECORDS, max_size=4))
def test_log_records_are_those_over_protobuf(records):
    check(Logs, records)


@MANY
@given(METRICS)
def test_metrics_are_those_over_protobuf(data):
    check(Metrics, data)


# ---------------------------------------------------------------------- the same as upstream's


def upstream(kind: type[SignalInOTLP], items: Any) -> Any:
    return json.loads(kind("upstream", json=True).encode(items))


@needs_json
@MANY
@given(st.lists(SPANS, max_size=4))
def test_spans_are_those_of_upstream(spans):
    assert json.loads(JSON[Traces].encode(spans)) == upstream(Traces, spans)


@needs_json
@MANY
@given(st.lists(RECORDS, max_size=4))
def test_log_records_are_those_of_upstream(records):
    assert json.loads(JSON[Logs].encode(records)) == upstream(Logs, records)


@needs_json
@MANY
@given(METRICS)
def test_metrics_are_those_of_upstream(data):
    """But for metrics without points: upstream sends a kind without points over JSON, and no kind over protobuf.

    Of equal resources, and of equal scopes of one resource, upstream sends all over JSON, and the last over protobuf. The
    SDK makes neither.
    """
    levels = [[each.resource for each in data.resource_metrics]]
    levels += [[scope.scope for scope in each.scope_metrics] for each in data.resource_metrics]
    assume(all(len(set(level)) == len(level) for level in levels))
    wanted = upstream(Metrics, data)
    for resource in wanted.get("resourceMetrics", ()):
        for scope in resource.get("scopeMetrics", ()):
            for metric in scope.get("metrics", ()):
                for name in ("gauge", "sum", "histogram", "exponentialHistogram"):
                    if "dataPoints" not in metric.get(name, {"dataPoints": []}):
                        del metric[name]
    assert json.loads(JSON[Metrics].encode(data)) == wanted


# ------------------------------------------------------------------- values that are not usual


def test_values_are_repaired_as_over_protobuf():
    item = span(name="x\udfff", start_time=-5, attributes=bounded({"big": 2**63}))
    (found,) = json.loads(Traces(json=True).encode([item]))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert found["name"] == "x\\udfff"
    assert "startTimeUnixNano" not in found
    assert found["attributes"] == [{"key": "big", "value": {"stringValue": str(2**63)}}]


def deep_list(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = (value,)
    return value


def deep_dict(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = {"k": value}
    return value


@pytest.mark.parametrize("nest", [deep_list, deep_dict])
def test_nothing_that_is_sent_over_protobuf_is_nested_too_deeply_for_json(nest):
    """Python's recursion limit, up to which the writers go, is no limit of the step from protobuf to JSON."""
    written = PROTOBUF[Traces].encode([span(attributes=bounded({"deep": nest(150)}))])
    form, limit = JsonForm(Traces.request), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 50)
    try:
        body = form(written)
    finally:
        sys.setrecursionlimit(limit)
    assert body.count(b'{"values":[') == 150
    assert b'{"stringValue":"leaf"}' in body


def test_what_is_kept_of_attributes_is_bounded():
    form, write = JsonForm(Traces.request), PROTOBUF[Traces]
    for number in range(3000):
        form(write.encode([span(attributes=bounded({"id": number, "long": "x" * 300, "same": 1}))]))
    known = form._known["KeyValue"]
    assert 10 < len(known) <= 2048
    assert max(map(len, known)) <= 256


# ------------------------------------------------------------------------- over the network

ALL_SIGNALS = """
    import sys
    for name in ("opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.proto_json", "google.protobuf"):
        sys.modules[name] = None
    import logging
    from opentelemetry import metrics, trace
    metrics.get_meter("m").create_counter("c").add(1)
    with trace.get_tracer("t").start_as_current_span("s"):
        logging.getLogger("l").warning("hello")
"""


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_it_needs_no_other_package(receiver, compression):
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": compression}

    result = instrumented(ALL_SIGNALS, {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/json")})

    assert (said(result), result.returncode) == ([], 0), result.stderr
    (found,), (record,) = receiver.store.spans(), receiver.store.logs()
    assert (found.name, record.body) == ("s", "hello")
    assert (record.trace_id, record.span_id) == (found.trace_id, found.span_id)
    assert [point.name for point in receiver.store.points()] == ["c"]


def test_the_encoder_of_upstream_does(receiver):
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "DISTROKIT_OTLP_ENCODER": "upstream"}

    result = instrumented(ALL_SIGNALS, {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/json")})

    remedy = "DISTROKIT_OTLP_ENCODER=upstream needs a package: pip install opentelemetry-exporter-otlp-json-common"
    (line,) = said(result)
    assert remedy in line
    assert receiver.store.requests() == []


def test_headers_in_a_file_are_renewed(tmp_path):
    file = tmp_path / "headers"
    file.write_text("x-a=1")
    with (
        http_peer() as peer,
        exporting("http/json", "traces", peer, {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(file)}) as sent,
    ):
        assert sent.attempt("a") is None
        file.write_text("x-a=22")
        assert sent.attempt("b") is None
        assert [request.headers["x-a"] for request in peer.ledger.requests] == ["1", "22"]

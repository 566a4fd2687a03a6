"""Encodes requests as protobuf; imported by the first export, in its thread, since protobuf is large."""

from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from distrokit import Signal


def _serializing(encode: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    return lambda items: bytes(encode(items).SerializeToString())


#: By signal: returns a request; raises what the encoder raises for items that it cannot encode.
ENCODERS: dict[Signal, Callable[[Any], bytes]] = {
    "traces": _serializing(encode_spans),
    "metrics": _serializing(encode_metrics),
    "logs": _serializing(encode_logs),
}

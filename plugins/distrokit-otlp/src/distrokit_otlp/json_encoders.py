"""Encodes requests as JSON by upstream's ``opentelemetry-exporter-otlp-json-common``; imported by the first export."""

from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.otlp.json.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.json.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans

from distrokit import Signal


def _serializing(encode: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    return lambda items: str(encode(items).to_json()).encode()


#: By signal: returns a request; raises what the encoder raises for items that it cannot encode.
ENCODERS: dict[Signal, Callable[[Any], bytes]] = {
    "traces": _serializing(encode_spans),
    "metrics": _serializing(encode_metrics),
    "logs": _serializing(encode_logs),
}

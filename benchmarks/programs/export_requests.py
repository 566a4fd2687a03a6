"""Sends requests of 512 spans one way, and prints the CPU time that they took."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

#: Requests before the measurement: imports, connections, caches.
_WARM_UP = 5


class _Keep(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[Any] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def make_spans(number: int) -> list[Any]:
    """Return spans of ten attributes."""
    kept = _Keep()
    provider = TracerProvider(resource=Resource({"service.name": "shop", "host.name": "h1"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("shop.orders", "1.0")
    for one in range(number):
        attributes: dict[str, Any] = {f"shop.attribute.{key}": f"value {one % 7} of {key}" for key in range(8)}
        tracer.start_span("GET /orders", attributes={**attributes, "http.response.status_code": 200, "n": one}).end()
    return kept.spans


def make_exporter(way: str, endpoint: str) -> Any:
    """Return an exporter."""
    if way == "upstream grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint)
    if way == "upstream http":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

        return HttpExporter(endpoint=f"{endpoint}/v1/traces")
    from distrokit import ExporterOptions, Settings
    from distrokit_otlp.plugin import make

    grpc = way in ("h2", "grpcio")
    arguments = {"protocol": "grpc", "insecure": True, "transport": way} if grpc else {"protocol": "http/protobuf"}
    url = endpoint if grpc else f"{endpoint}/v1/traces"
    return make(ExporterOptions(name="otlp", signal="traces", endpoint=url, settings=Settings(), arguments=arguments))


def main() -> None:
    """Export."""
    way, endpoint, requests = sys.argv[1], sys.argv[2], int(sys.argv[3])
    spans, exporter = make_spans(512), make_exporter(way, endpoint)
    for _ in range(_WARM_UP):
        exporter.export(spans)
    begin = time.process_time()
    for _ in range(requests):
        exporter.export(spans)
    used = time.process_time() - begin
    exporter.shutdown()
    sys.stdout.write(json.dumps({"cpu_us": used * 1e6, "spans": (requests + _WARM_UP) * len(spans)}))


main()

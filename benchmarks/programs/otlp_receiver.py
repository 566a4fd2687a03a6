"""An OTLP receiver for gRPC and HTTP on loopback, which counts what arrives.

It runs in upstream's environment, whose generated classes it uses. It prints its two ports as JSON. For each line of
input it prints how often which span, metric and log record arrived since the line before; for the line ``count`` only
how many. Requests are read when that line comes, so while programs run it only keeps them. It ends with its input.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.programs.counting import count_items

SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "spans",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
}
PATHS = {"/v1/traces": "spans", "/v1/metrics": "metrics", "/v1/logs": "logs"}

received: list[tuple[str, bytes]] = []
lock = threading.Lock()


def store(signal: str, body: bytes) -> None:
    """Keep a request; it is read when somebody asks."""
    with lock:
        received.append((signal, body))


def export_handler(signal: str) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Return a method that keeps requests. An empty response is one of the right type without fields."""

    def export(body: bytes, context: Any) -> bytes:
        store(signal, body)
        return b""

    return grpc.unary_unary_rpc_method_handler(export)


class Handler(BaseHTTPRequestHandler):
    """OTLP over HTTP, binary."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keep the request, and accept it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        signal = PATHS.get(self.path)
        if signal is not None:
            store(signal, body)
        self.send_response(404 if signal is None else 200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name for it)
        """Log nothing."""


def span_names(body: bytes) -> list[str]:
    """Return the names of the spans in a request."""
    scopes = [
        scope for group in ExportTraceServiceRequest.FromString(body).resource_spans for scope in group.scope_spans
    ]
    return [name_in(scope, span.name) for scope in scopes for span in scope.spans]


def metric_names(body: bytes) -> list[str]:
    """Return the names of the metrics in a request."""
    groups = ExportMetricsServiceRequest.FromString(body).resource_metrics
    return [
        name_in(scope, metric.name) for group in groups for scope in group.scope_metrics for metric in scope.metrics
    ]


def log_bodies(body: bytes) -> list[str]:
    """Return the texts of the log records in a request."""
    scopes = [scope for group in ExportLogsServiceRequest.FromString(body).resource_logs for scope in group.scope_logs]
    return [name_in(scope, record.body.string_value) for scope in scopes for record in scope.log_records]


def name_in(scope: Any, name: str) -> str:
    """Return the name with the last part of its instrumentation scope: ``flask: GET /``."""
    return f"{scope.scope.name.rpartition('.')[2]}: {name}"


READERS: dict[str, Callable[[bytes], list[str]]] = {"spans": span_names, "metrics": metric_names, "logs": log_bodies}


def take_requests() -> list[tuple[str, bytes]]:
    """Return the requests since the last call."""
    with lock:
        requests = list(received)
        received.clear()
    return requests


def take() -> dict[str, dict[str, int]]:
    """Return what arrived since the last call."""
    counters: dict[str, Counter[str]] = {signal: Counter() for signal in READERS}
    for signal, body in take_requests():
        counters[signal].update(READERS[signal](body))
    return {signal: dict(counter) for signal, counter in counters.items()}


def main() -> None:
    """Serve until the input ends."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    for service, signal in SERVICES.items():
        methods = {"Export": export_handler(signal)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"grpc": port, "http/protobuf": http.server_port}), flush=True)  # noqa: T201  (its interface)
    busy = time.process_time()
    for line in sys.stdin:
        used = time.process_time() - busy
        answer = {**count_items(take_requests()), "cpu": used} if line.strip() == "count" else take()
        print(json.dumps(answer), flush=True)  # noqa: T201  (as above)
        busy = time.process_time()
    server.stop(None)


if __name__ == "__main__":
    main()

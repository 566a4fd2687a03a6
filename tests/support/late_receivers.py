"""Receivers for SDKs that export beside distrokit: over HTTP, on loopback. They keep every byte that arrives.

OTLP requests are accepted at any path. A vendor's own endpoints respond as ``RESPONSES`` says.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_items import unpacked

from distrokit_dev import received as otlp

PROTOBUF, JSON, TEXT = "application/x-protobuf", "application/json", "text/plain"


@dataclass(frozen=True)
class Arrived:
    """One request.

    Attributes:
        raw: request line, headers and body, as they arrived.
        body: the body without its ``content-encoding``.
    """

    method: str
    path: str
    kind: str
    raw: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def contains(self, text: str) -> bool:
        """Tell whether a text is anywhere in it, also percent-encoded."""
        return any(text.encode() in part for part in (self.raw, self.body, unquote_to_bytes(self.raw)))


#: Takes a request; returns a body and its content type.
Response = Callable[[Arrived], "tuple[bytes, str]"]


def _store_trace(request: Arrived) -> tuple[bytes, str]:
    """As a tracking server that takes a trace's spans at ``/v1/traces``."""
    stored = request.json
    stored["trace"]["trace_info"]["tags"]["mlflow.trace.spansLocation"] = "TRACKING_STORE"
    return json.dumps(stored).encode(), JSON


#: By the path up to ``?``.
RESPONSES: Mapping[str, Response] = {
    # MLflow's tracking server.
    "/version": lambda _: (b"3.17.2", TEXT),
    "/api/3.0/mlflow/traces": _store_trace,
}


class LateReceiver:
    """A context manager that listens from its begin to its end.

    Attributes:
        url: without a path.
        requests: in order of arrival.
    """

    def __init__(self) -> None:
        self.requests: list[Arrived] = []

    def spans(self, path: str = "/") -> list[otlp.ReceivedSpan]:
        """The spans of the OTLP requests whose path begins with this."""
        return otlp.spans(ExportTraceServiceRequest.FromString(body) for body in self._otlp(path, "/v1/traces"))

    def logs(self, path: str = "/") -> list[otlp.ReceivedLog]:
        """Their log records."""
        return otlp.logs(ExportLogsServiceRequest.FromString(body) for body in self._otlp(path, "/v1/logs"))

    def points(self, path: str = "/") -> list[otlp.ReceivedPoint]:
        """Their points of metrics."""
        return otlp.points(ExportMetricsServiceRequest.FromString(body) for body in self._otlp(path, "/v1/metrics"))

    def at(self, path: str) -> list[Arrived]:
        """The requests whose path begins with this."""
        return [request for request in self.requests if request.path.startswith(path)]

    def leaks(self, secret: str) -> list[str]:
        """The paths of the requests that contain a text."""
        return [request.path for request in self.requests if request.contains(secret)]

    def _otlp(self, path: str, end: str) -> list[bytes]:
        return [
            request.body
            for request in self.at(path)
            if request.kind == PROTOBUF and request.path.rstrip("/").endswith(end)
        ]

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.requests))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(requests: list[Arrived]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds without a byte from the client

        def do_POST(self) -> None:
            body = self._read()
            request = Arrived(
                self.command,
                self.path,
                self.headers.get_content_type(),
                b"\n".join([self.requestline.encode(), self.headers.as_bytes(), body]),
                unpacked(body, self.headers.get("content-encoding", "")),
            )
            requests.append(request)
            empty = (b"", PROTOBUF) if request.kind == PROTOBUF else (b"{}", JSON)
            respond = RESPONSES.get(self.path.partition("?")[0])
            content, kind = respond(request) if respond else empty
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

        def _read(self) -> bytes:
            if self.headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler

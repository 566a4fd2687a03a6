"""OTLP/HTTP: protobuf and JSON, plain, gzip or deflate, on ``/v1/{traces,metrics,logs}``."""

from __future__ import annotations

import threading
import zlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from distrokit_dev import otlp_json
from distrokit_dev.received import Request
from distrokit_dev.store import TelemetryStore

PROTOBUF, JSON = "application/x-protobuf", "application/json"

_SERVICES: dict[str, tuple[type[Request], type[Message]]] = {
    "/v1/traces": (trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse),
    "/v1/metrics": (metrics_service_pb2.ExportMetricsServiceRequest, metrics_service_pb2.ExportMetricsServiceResponse),
    "/v1/logs": (logs_service_pb2.ExportLogsServiceRequest, logs_service_pb2.ExportLogsServiceResponse),
}


class HTTPError(Exception):
    """An error response to the client: status and message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class OTLPServer(ThreadingHTTPServer):
    """Handles at most ``concurrent`` request bodies at once, each at most ``max_request_bytes`` when decompressed."""

    daemon_threads = True
    block_on_close = False
    concurrent = 8

    def __init__(self, address: tuple[str, int], store: TelemetryStore, max_request_bytes: int) -> None:
        super().__init__(address, _Handler)
        self.store = store
        self.max_request_bytes = max_request_bytes
        self.turn = threading.BoundedSemaphore(self.concurrent)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback for a client that disconnects."""


class _Handler(BaseHTTPRequestHandler):
    server: OTLPServer  # pyright: ignore[reportIncompatibleVariableOverride]  # the only server
    protocol_version = "HTTP/1.1"
    raw_requestline: bytes  # set by http.server, missing in its types
    timeout = 10  # seconds without a byte from the client

    def do_POST(self) -> None:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            with self.server.turn:
                message = self._receive(kind)
        except HTTPError as error:
            self.close_connection = True
            self.server.store.refuse(f"over http: {error}")
            self._answer(error.status, Status(code=3, message=str(error)), kind)
            return
        self._answer(HTTPStatus.OK, message, kind)

    def _receive(self, kind: str) -> Message:
        if self.path not in _SERVICES:
            raise HTTPError(HTTPStatus.NOT_FOUND, f"there is no {self.path}, only {', '.join(_SERVICES)}")
        if kind not in (PROTOBUF, JSON):
            raise HTTPError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {PROTOBUF} or {JSON}, not {kind or 'nothing'}")
        request_type, response_type = _SERVICES[self.path]
        self.server.store.add(_decode(self._body(), kind, request_type()))
        return response_type()

    def _body(self) -> bytes:
        limit = self.server.max_request_bytes
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise HTTPError(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if int(length) > limit:
            raise HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limit} bytes")
        return decompress(self.rfile.read(int(length)), self.headers.get("Content-Encoding", ""), limit)

    def _answer(self, status: HTTPStatus, message: Message, kind: str) -> None:
        body = otlp_json.dump(message) if kind == JSON else message.SerializeToString()
        self.send_response(status)
        self.send_header("Content-Type", JSON if kind == JSON else PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Record a request of another protocol, such as gRPC or TLS."""
        begin = self.raw_requestline[:4]
        other = "grpc" if begin == b"PRI " else "TLS" if begin[:2] == b"\x16\x03" else ""
        port = self.server.server_address[1]
        self.server.store.refuse(f"{other or message or code} on port {port}, which accepts plain http only")
        super().send_error(code, message, explain)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name for it)
        """Log nothing: the store has the errors."""


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Decode the ``Content-Encoding`` of a body.

    Raises: :class:`HTTPError` if it is invalid, or the result is larger than ``limit`` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise HTTPError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"cannot unpack {encoding}")
    unpacker = zlib.decompressobj(wbits=31 if encoding == "gzip" else 15)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise HTTPError(HTTPStatus.BAD_REQUEST, f"not {encoding}: {error}") from error
    if len(plain) > limit:
        raise HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limit} bytes when unpacked")
    if not unpacker.eof:
        raise HTTPError(HTTPStatus.BAD_REQUEST, f"{encoding} data ends too early")
    return plain


def _decode(body: bytes, kind: str, request: Request) -> Request:
    try:
        if kind == JSON:
            return otlp_json.parse(body, request)
        request.ParseFromString(body)
    except (DecodeError, ValueError) as error:
        raise HTTPError(HTTPStatus.BAD_REQUEST, str(error)) from error
    return request

"""OTLP over grpc: sends one request over an HTTP/2 connection of our own."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable, Mapping

from distrokit_otlp.connection.connections import Connections
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import describe
from distrokit_otlp.credentials.header_rules import to_metadata
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.grpc.connection import EndlessResponseError, Http2Connection
from distrokit_otlp.grpc.message import frame, unframe
from distrokit_otlp.grpc.status import GrpcStatus, Judge
from distrokit_otlp.protobuf_reader import read_export_response
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import ConnectedSender
from distrokit_otlp.tls.context import TlsContext

_LONGEST_TIMEOUT = 99_999_999


class GrpcSender(ConnectedSender[Http2Connection]):
    """A transport over HTTP/2.

    Args:
        connections: the connections to the receiver.
        connector: what opens them.
        headers: the headers of each request.
        tls: the TLS context of the connections.
        diagnosis: explains failed connections; ``None`` for no explanation.
        method: the full name of the service's method.
        user_agent: of the requests.
        compression: ``none`` or ``gzip``.
        retryable: names of codes; ``None`` for those of the specification.

    Attributes:
        on_response: called with the status of each response, and with a ``SendResult`` for one that was taken; ``None``
            for no callback.
    """

    def __init__(
        self,
        connections: Connections[Http2Connection],
        connector: Connector,
        headers: LiveHeaders,
        tls: TlsContext,
        diagnosis: Diagnosis | None,
        *,
        method: str,
        user_agent: str,
        compression: str,
        retryable: frozenset[str] | None,
    ) -> None:
        super().__init__(connections, connector, headers, tls, diagnosis)
        self._judge, self._compression = Judge(diagnosis, retryable), compression
        encoding = [(b"grpc-encoding", b"gzip")] if compression == "gzip" else []
        self._first = [
            (b":method", b"POST"), (b":scheme", b"https" if connector.target.tls else b"http"),
            (b":path", method.encode()),
        ]  # fmt: skip
        self._fixed = [
            (b"te", b"trailers"), (b"content-type", b"application/grpc"), (b"user-agent", user_agent.encode("latin-1")),
            *encoding,
        ]  # fmt: skip
        self.on_response: Callable[[GrpcStatus | SendResult], None] | None = None

    def pack(self, request: bytes) -> bytes:
        return frame(request, self._compression)

    def exchange(self, connection: Http2Connection, request: bytes, deadline: float) -> SendResult:
        authority = self._connector.target.authority(connection.address)
        headers = [
            *self._first, (b":authority", authority.encode("latin-1")),
            (b"grpc-timeout", _timeout(deadline - time.monotonic())), *self._fixed, *_metadata(self._headers.current()),
        ]  # fmt: skip
        try:
            response = connection.request(headers, request, deadline)
        except EndlessResponseError as error:
            return SendResult("refused", str(error))
        status = GrpcStatus.of(response.headers)
        if status.code != "OK":
            self._notify(status)
            return self._judge.judge(status)
        try:
            rejected, text = read_export_response(unframe(bytes(response.data)))
        except ValueError as error:
            return SendResult("refused", f"the receiver's response is not OTLP: {error}")
        result = SendResult("taken", text or "the receiver gave no reason", rejected=rejected)
        self._notify(result)
        return result

    def describe_error(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "DEADLINE_EXCEEDED: no answer in time: timed out"
        return f"UNAVAILABLE: {describe(error)}"

    def _notify(self, response: GrpcStatus | SendResult) -> None:
        if self.on_response is not None:
            self.on_response(response)


def _metadata(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as HTTP/2 has them; binary ones as base64 without padding (grpc, *gRPC over HTTP2*)."""
    return [
        (name.encode("latin-1"), base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.encode())
        for name, value in to_metadata(headers)
    ]


def _timeout(seconds: float) -> bytes:
    """Return the time left as ``grpc-timeout``: at most eight digits and a unit."""
    millis = max(1, math.ceil(seconds * 1000))
    if millis <= _LONGEST_TIMEOUT:
        return f"{millis}m".encode()
    return f"{min(_LONGEST_TIMEOUT, math.ceil(seconds))}S".encode()

"""OTLP over grpc: sends one request over an HTTP/2 connection of our own."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Mapping

from distrokit import ExporterOptions
from distrokit_otlp.connected_sender import ConnectedSender
from distrokit_otlp.connection.failure import describe
from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.credentials.header_rules import to_metadata
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.grpc.connection import EndlessResponseError, Http2Connection
from distrokit_otlp.grpc.message import frame, unframe
from distrokit_otlp.grpc.status import GrpcStatus, StatusJudge, judge_success
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.tls.context import TlsContext

_LONGEST_TIMEOUT = 99_999_999


class GrpcSender(ConnectedSender[Http2Connection]):
    """A transport over HTTP/2.

    Args:
        options: the exporter's options.
        headers: the headers of each request.
        tls: the TLS context of the connections.
        method: the full name of the service's method.
        user_agent: of the requests.
        retryable: names of codes; ``None`` for those of the specification.

    Attributes:
        on_response: called with the status of each response, and with a ``SendResult`` for one that was taken; ``None``
            for no callback.
    """

    def __init__(
        self,
        options: ExporterOptions,
        headers: LiveHeaders,
        tls: TlsContext,
        *,
        method: str,
        user_agent: str,
        retryable: frozenset[str] | None,
    ) -> None:
        super().__init__(options, headers, tls)
        self._judge, self._compression = StatusJudge(self._diagnosis, retryable), options.compression
        encoding = [(b"grpc-encoding", b"gzip")] if options.compression == "gzip" else []
        self._first = [
            (b":method", b"POST"), (b":scheme", b"https" if self.target.tls else b"http"), (b":path", method.encode()),
        ]  # fmt: skip
        self._fixed = [
            (b"te", b"trailers"), (b"content-type", b"application/grpc"), (b"user-agent", user_agent.encode("latin-1")),
            *encoding,
        ]  # fmt: skip

    def pack(self, request: bytes) -> bytes:
        return frame(request, self._compression)

    def connect(self, socket: TimedSocket, address: Address, proxy: Proxy | None) -> Http2Connection:
        return Http2Connection(socket, address)

    def exchange(self, connection: Http2Connection, packed: bytes, deadline: float) -> SendResult:
        authority = self.target.authority(connection.address)
        headers = [
            *self._first, (b":authority", authority.encode("latin-1")),
            (b"grpc-timeout", _timeout(deadline - time.monotonic())), *self._fixed, *_metadata(self._headers.current()),
        ]  # fmt: skip
        try:
            response = connection.request(headers, packed, deadline)
        except EndlessResponseError as error:
            return SendResult("refused", str(error))
        status = GrpcStatus.of(response.headers)
        if status.code != "OK":
            self.notify(status)
            return self._judge.judge(status)
        result = judge_success(bytes(response.data), unframe)
        if result.verdict == "taken":
            self.notify(result)
        return result

    def describe_error(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "DEADLINE_EXCEEDED: no answer in time: timed out"
        return f"UNAVAILABLE: {describe(error)}"


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

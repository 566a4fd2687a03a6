"""OTLP over HTTP: sends one request over a connection of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from distrokit_otlp.compression import COMPRESS
from distrokit_otlp.connection.connections import Connections
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import describe
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.http.connection import HttpConnection
from distrokit_otlp.http.response import HttpResponse
from distrokit_otlp.http.signing import signed
from distrokit_otlp.http.verdict import Judge
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import ConnectedSender
from distrokit_otlp.tls.context import TlsContext


class HttpSender(ConnectedSender[HttpConnection]):
    """A transport over HTTP/1.1.

    Args:
        connections: the connections to the receiver.
        connector: what opens them.
        headers: the headers of each request.
        tls: the TLS context of the connections.
        diagnosis: explains failed connections; ``None`` for no explanation.
        own_headers: headers of the transport, which ``headers`` cannot override.
        compression: ``none``, ``gzip`` or ``deflate``.
        url: the endpoint, for signatures.
        sign: called last with each request (:func:`~distrokit_otlp.http.signing.signed`); ``None`` for no signature.

    Attributes:
        on_response: called with each response; ``None`` for no callback.
    """

    def __init__(
        self,
        connections: Connections[HttpConnection],
        connector: Connector,
        headers: LiveHeaders,
        tls: TlsContext,
        diagnosis: Diagnosis | None,
        *,
        own_headers: Mapping[str, str],
        compression: str,
        url: str,
        sign: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(connections, connector, headers, tls, diagnosis)
        self._judge = Judge(diagnosis)
        self._compress = COMPRESS[compression]
        self._own_headers, self._url, self._sign = own_headers, url, sign
        self.on_response: Callable[[HttpResponse], None] | None = None

    def pack(self, request: bytes) -> bytes:
        return self._compress(request)

    def exchange(self, connection: HttpConnection, request: bytes, deadline: float) -> SendResult:
        headers = {**self._headers.current(), **self._own_headers}
        if self._sign is not None:
            headers, request = signed(self._sign, self._url, headers, request)
        response = connection.post(headers, request, deadline)
        if self.on_response is not None:
            self.on_response(response)
        return self._judge.judge(response)

    def describe_error(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "no answer in time: timed out"
        text = describe(error)
        return text if text.startswith("Connection aborted") else f"Connection aborted: {text}"

"""OTLP over HTTP: sends one request over a connection of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from distrokit import ExporterOptions
from distrokit_otlp.compression import COMPRESS
from distrokit_otlp.connected_sender import ConnectedSender
from distrokit_otlp.connection.failure import describe
from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.http.connection import HttpConnection
from distrokit_otlp.http.signing import signed
from distrokit_otlp.http.verdict import ResponseJudge
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.tls.context import TlsContext


class HttpSender(ConnectedSender[HttpConnection]):
    """A transport over HTTP/1.1.

    Args:
        options: the exporter's options. The ``credentials`` are called last with each request
            (:func:`~distrokit_otlp.http.signing.signed`); ``None`` for no signature.
        headers: the headers of each request.
        tls: the TLS context of the connections.
        own_headers: headers of the transport, which ``headers`` cannot override.
        url: the endpoint, for signatures.

    Attributes:
        on_response: called with each response; ``None`` for no callback.
    """

    def __init__(
        self,
        options: ExporterOptions,
        headers: LiveHeaders,
        tls: TlsContext,
        *,
        own_headers: Mapping[str, str],
        url: str,
    ) -> None:
        super().__init__(options, headers, tls)
        self._judge, self._compress = ResponseJudge(self._diagnosis), COMPRESS[options.compression]
        self._own_headers, self._url = own_headers, url
        self._sign: Callable[[Any], Any] | None = options.credentials

    def pack(self, request: bytes) -> bytes:
        return self._compress(request)

    def connect(self, socket: TimedSocket, address: Address, proxy: Proxy | None) -> HttpConnection:
        return HttpConnection(socket, address, self.target, proxy)

    def exchange(self, connection: HttpConnection, packed: bytes, deadline: float) -> SendResult:
        headers = {**self._headers.current(), **self._own_headers}
        if self._sign is not None:
            headers, packed = signed(self._sign, self._url, headers, packed)
        response = connection.post(headers, packed, deadline)
        self.notify(response)
        return self._judge.judge(response)

    def describe_error(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "no answer in time: timed out"
        text = describe(error)
        return text if text.startswith("Connection aborted") else f"Connection aborted: {text}"

"""OTLP over HTTP through another library: a plugin's ``requests.Session``, or a transport that a package publishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from distrokit_otlp.compression import COMPRESS
from distrokit_otlp.connection.failure import describe, is_final
from distrokit_otlp.credentials.header_rules import is_about_header
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.http.response import HttpResponse
from distrokit_otlp.http.verdict import LARGEST_RESPONSE, ResponseJudge
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import HeaderSender

#: Names of exceptions of the libraries for a connection that was never made.
_NOT_REACHED = frozenset({"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"})


class Client(Protocol):
    """Sends requests through a library."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
        """Return the response; raises whatever the library raises."""
        ...

    def close(self) -> None:
        """Close connections."""


class LibrarySender(HeaderSender):
    """A transport over a library's client.

    Args:
        make: makes a client; called with the first request of each process.
        url: the endpoint.
        headers: the headers of each request.
        own_headers: headers of the transport, which ``headers`` cannot override.
        compression: ``none``, ``gzip`` or ``deflate``.
        diagnosis: explains failed connections.

    Attributes:
        on_response: called with each response; ``None`` for no callback.
    """

    def __init__(
        self,
        make: Callable[[], Client],
        url: str,
        headers: LiveHeaders,
        own_headers: Mapping[str, str],
        compression: str,
        diagnosis: Diagnosis,
    ) -> None:
        super().__init__(headers, diagnosis)
        self._make, self._url, self._own_headers = make, url, own_headers
        self._compress, self._judge = COMPRESS[compression], ResponseJudge(diagnosis)
        self._client: Client | None = None

    def pack(self, request: bytes) -> bytes:
        return self._compress(request)

    def send_packed(self, packed: bytes, deadline: float) -> SendResult:
        try:
            if self._client is None:
                self._client = self._make()
            headers = {**self._headers.current(), **self._own_headers}
            response = self._client.post(self._url, headers, packed, max(0.001, deadline - time.monotonic()))
        except Exception as error:
            return self._failure(error, deadline)
        self._diagnosis.reset()
        self.notify(response)
        return self._judge.judge(response)

    def _failure(self, error: Exception, deadline: float) -> SendResult:
        """Return the result for a connection that failed; raises errors of other kinds, as of a session's auth."""
        causes = _causes(error)
        fault = next(filter(is_about_header, causes), None)
        if fault or not any(isinstance(cause, OSError) for cause in causes):
            raise fault or error
        cause = self._diagnosis.explain(describe(error), deadline - time.monotonic())
        if any(map(is_final, causes)):
            return SendResult("refused", cause)
        reached = not any(type(one).__name__ in _NOT_REACHED for one in causes)
        return SendResult("later", cause, reached=reached, unsure=reached)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def forked(self) -> None:
        # Not closed: parent and child share the descriptors, and TLS would send a close alert for the parent.
        self._client = None


class SessionClient:
    """Sends through a ``requests.Session``; its own settings stay in force."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
        with self._session.post(
            url, data=body, headers=headers, timeout=(seconds, seconds), stream=True, allow_redirects=False
        ) as response:
            content = response.raw.read(LARGEST_RESPONSE + 1, decode_content=False)
            return HttpResponse(
                response.status_code, response.reason or "", dict(response.headers), content[:LARGEST_RESPONSE],
                whole=len(content) <= LARGEST_RESPONSE,
            )  # fmt: skip

    def close(self) -> None:
        self._session.close()


class TransportClient:
    """Sends through a transport of the entry-point group ``opentelemetry_http_transport``."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
        result = self._transport.request("POST", url, headers=dict(headers), timeout=seconds, data=body)
        if result.error is not None:
            raise result.error
        content = result.content()
        return HttpResponse(
            result.status_code, result.reason or "", dict(result.headers()), content[:LARGEST_RESPONSE],
            whole=len(content) <= LARGEST_RESPONSE,
        )  # fmt: skip

    def close(self) -> None:
        self._transport.close()


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and all that it wraps: urllib3 and requests use arguments as well as causes."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is seen for seen in found):
            found.append(one)
            waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return found

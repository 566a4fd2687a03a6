"""OTLP over grpc by ``grpcio``: sends one request and judges the response."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc

from distrokit_otlp.credentials.header_rules import to_metadata
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.grpc.status import GrpcStatus, StatusJudge, judge_success, retry_delay
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import HeaderSender
from distrokit_otlp.tls.files import TlsFiles

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")
_NOT_REACHED = re.compile(
    r"failed to connect|name resolution|DNS resolution|errors resolving|no addresses|resolver|Connection refused",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(r"certificate|wrong_version|handshake failed|verification check failed", re.IGNORECASE)
#: The connection ended before the response.
_DISCONNECTED = re.compile(r"closed|reset|broken pipe|goaway|removed|endpoint|watchdog|settings frame", re.IGNORECASE)
#: Seconds that a fork waits for a request under way.
_FORK_WAIT = 0.25
#: grpc's own delay before it reconnects grows to two minutes.
_CHANNEL = (("grpc.initial_reconnect_backoff_ms", 500), ("grpc.max_reconnect_backoff_ms", 5000))


class GrpcioSender(HeaderSender):
    """A transport over one grpc channel.

    Args:
        method: the full name of the service's method.
        channel: opens a channel with these options; called with the first request of each process.
        headers: the headers of each request.
        address: host and port, for messages.
        retryable: names of codes; ``None`` for those of the specification.
        hint: added to the cause when the receiver closes a connection during the handshake.
        files: the TLS files of the channel; after a change, the next request opens a new channel.
        diagnosis: explains failed connections.

    Attributes:
        on_response: called with the status of each response, and with a ``SendResult`` for one that was taken; ``None``
            for no callback.
    """

    def __init__(
        self,
        method: str,
        channel: Callable[[tuple[tuple[str, Any], ...]], Any],
        headers: LiveHeaders,
        address: str,
        retryable: frozenset[str] | None,
        hint: str,
        files: TlsFiles,
        diagnosis: Diagnosis,
    ) -> None:
        super().__init__(headers, diagnosis)
        self._method, self._open, self._hint, self._address = method, channel, hint, address
        self._judge = StatusJudge(diagnosis, retryable)
        self._files, self._renew, self._warned = files, False, False
        # Threads may fork at the same time.
        self._fork_state = threading.local()
        # The number of calls, and the number of the call that was still running at the last fork.
        self._calls, self._hanging_call = 0, -1
        self._channel: Any = None
        self._call: Any = None
        self._busy = threading.Lock()

    def pack(self, request: bytes) -> bytes:
        # grpcio compresses by itself.
        return request

    def send_packed(self, packed: bytes, deadline: float) -> SendResult:
        seconds = max(0.001, deadline - time.monotonic())
        # Held while grpc is at work; see before_fork().
        if not self._busy.acquire(timeout=seconds):
            return SendResult("later", "this process is forking")
        try:
            try:
                self._calls += 1
                response = self._export(packed, seconds)
            finally:
                self._busy.release()
        except grpc.RpcError as error:
            status = _status_of(error)
            self.notify(status)
            if not _is_connection_error(status):
                return self._judge.judge(status)
            result = self._after_renewal(self._explain(status, self._unconnected(status), deadline))
            return self.wait_for_renewal(result) if _is_certificate_error(status) else result
        self._diagnosis.reset()
        result = judge_success(response)
        if result.verdict == "taken":
            self.notify(result)
        return result

    def _export(self, request: bytes, seconds: float) -> Any:
        if self._renew:
            self.close()
            self._channel = self._call = None
            self._renew = False
        if self._call is None:
            self._channel = self._open(_CHANNEL)
            self._call = self._channel.unary_unary(self._method, request_serializer=None, response_deserializer=None)
        return self._call(request, timeout=seconds, metadata=to_metadata(self._headers.current()))

    def _unconnected(self, status: GrpcStatus) -> SendResult:
        """Return the result for a request that found no connection, or whose connection ended."""
        details = status.details
        if _is_certificate_error(status):
            return SendResult("refused", f"{status.code}: {details} ({self._diagnosis.place('certificate')})")
        result = self._judge.judge(status)
        if result.verdict != "later":
            return result
        reached = not (status.code == "UNAVAILABLE" and _NOT_REACHED.search(details))
        # A receiver that answers has not accepted the request; without an answer, it may have.
        unsure = status.code == "UNAVAILABLE" and reached and bool(_DISCONNECTED.search(details))
        cause = result.cause
        if not reached:
            cause = _last_error(cause) + (self._hint if _DISCONNECTED.search(details) else "")
        return replace(result, cause=cause, reached=reached, unsure=unsure)

    def _explain(self, status: GrpcStatus, result: SendResult, deadline: float) -> SendResult:
        # An unknown cause keeps its hint.
        details = status.details
        text = self._diagnosis.explain(details, deadline - time.monotonic())
        return result if text == details else replace(result, cause=text)

    def _after_renewal(self, result: SendResult) -> SendResult:
        """Return the result, or ``later`` when the files on disk have changed since the channel was opened."""
        files = self._files
        if not (files.fault or files.changed()):
            return result
        self._renew = True
        if result.verdict == "later":
            return result
        return SendResult("later", files.fault or result.cause, reached=False)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    def forked(self) -> None:
        # Not closed: closing waits for grpc threads that do not exist in the child.
        self._channel = self._call = None
        self._busy = threading.Lock()
        self._fork_state = threading.local()

    def before_fork(self) -> None:
        # grpc prepares its state for a fork, but not while a call is under way: then a child that uses grpc hangs or is
        # aborted by grpc. A call that outlasted one wait is not waited for again.
        # The first call counts too: it imports half of grpc.
        self._fork_state.holds_lock = self._busy.acquire(timeout=0 if self._calls == self._hanging_call else _FORK_WAIT)
        if not self._fork_state.holds_lock:
            self._hanging_call = self._calls
            if not self._warned:
                self._warned = True
                _logger.warning(
                    "this process forks while grpc waits for an answer from %s: a child that sends over grpc may hang, "
                    "or be aborted by grpc; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf (usually at port 4318)",
                    self._address,
                )

    def forked_in_parent(self) -> None:
        if getattr(self._fork_state, "holds_lock", False):
            self._fork_state.holds_lock = False
            # After a fork, grpc gives its descriptors a new generation, and this channel would keep the old one.
            self.close()
            self._channel = self._call = None
            self._busy.release()


def _status_of(error: Any) -> GrpcStatus:
    code = error.code().name if error.code() is not None else "UNKNOWN"
    trailing = error.trailing_metadata() or () if hasattr(error, "trailing_metadata") else ()
    metadata = {str(name): value for name, value in trailing if isinstance(value, bytes)}
    return GrpcStatus(code, " ".join(str(error.details() or "").split())[:300], retry_delay(metadata))


def _is_connection_error(status: GrpcStatus) -> bool:
    """True if grpc had no usable connection; it reports UNKNOWN for a receiver without ALPN."""
    return status.code == "UNAVAILABLE" or (status.code == "UNKNOWN" and "Cannot check peer" in status.details)


def _is_certificate_error(status: GrpcStatus) -> bool:
    """True if one side does not accept the other's certificate."""
    return status.code == "UNAVAILABLE" and bool(_CERTIFICATE.search(status.details))


def _last_error(cause: str) -> str:
    """Reduce ``failed to connect to all addresses; last error: …`` to the last error."""
    return cause.rpartition("last error: ")[2] if "last error: " in cause else cause

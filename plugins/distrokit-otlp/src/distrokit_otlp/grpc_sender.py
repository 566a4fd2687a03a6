"""OTLP over grpc: sends one request and judges the response."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from distrokit_otlp.diagnosis import Diagnosis, place_of
from distrokit_otlp.exporter import Sender
from distrokit_otlp.send_result import SendResult, mentions_size, read_partial_success
from distrokit_otlp.tls_files import TlsFiles

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")
#: Codes after which a retry may succeed (specification, *OTLP/gRPC*, "Failures").
RETRYABLE = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
#: A proxy in front of the receiver refused the request with an HTTP status.
_STATUS_413 = re.compile(r"http2 header with status: 413")
#: Codes that never mean a request's size, whatever the text.
_NOT_ABOUT_SIZE = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
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


class GrpcSender(Sender):
    """A transport over one grpc channel.

    Args:
        method: the full name of the service's method.
        response: the class of its responses.
        channel: opens a channel with these options; called with the first request of each process.
        headers: pairs, read for each request; names in lower case.
        address: host and port, for messages.
        retryable: names of codes; ``None`` for those of the specification.
        hint: added to the cause when the receiver closes a connection during the handshake.
        files: the TLS files of the channel; after a change, the next request opens a new channel.
        diagnosis: explains failed connections; ``None`` for no explanation.

    Attributes:
        on_response: called with each response or ``RpcError``; ``None`` for no callback.
    """

    def __init__(
        self,
        method: str,
        response: Any,
        channel: Callable[[tuple[tuple[str, Any], ...]], Any],
        headers: Iterable[tuple[str, str | bytes]],
        address: str,
        retryable: frozenset[str] | None = None,
        hint: str = "",
        files: TlsFiles | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self._method, self._response, self._open = method, response, channel
        self._headers, self._address = headers, address
        self._retryable = RETRYABLE if retryable is None else retryable
        self._codes_given, self._hint = retryable is not None, hint
        self._files, self._renew, self._diagnosis = files, False, diagnosis
        self.on_response: Callable[[Any], None] | None = None
        self._warned = False
        # Threads may fork at the same time.
        self._fork_state = threading.local()
        # The number of calls, and the number of the call that was still running at the last fork.
        self._calls, self._hanging_call = 0, -1
        self._channel: Any = None
        self._call: Any = None
        self._busy = threading.Lock()

    def send(self, request: Any, seconds: float) -> SendResult:
        deadline = time.monotonic() + seconds
        try:
            # Held while grpc is at work; see before_fork().
            if not self._busy.acquire(timeout=max(0.001, seconds)):
                return SendResult("later", "this process is forking")
            try:
                self._calls += 1
                response = self._export(request, seconds)
            finally:
                self._busy.release()
        except grpc.RpcError as error:
            self._notify(error)
            if not _is_connection_error(error):
                return self._failure(error)
            return self._after_renewal(self._explain(error, self._failure(error), deadline))
        except Exception as error:
            # For example a header that grpc rejects, or a channel that cannot be opened.
            return SendResult("refused", f"{type(error).__name__}: {error}")
        if self._diagnosis is not None:
            self._diagnosis.reset()
        self._notify(response)
        rejected, text = read_partial_success(response)
        return SendResult("taken", text or "the receiver gave no reason", rejected=rejected)

    def _export(self, request: Any, seconds: float) -> Any:
        if self._renew:
            self.close()
            self._channel = self._call = None
            self._renew = False
        if self._call is None:
            self._channel = self._open(_CHANNEL)
            self._call = self._channel.unary_unary(
                self._method, request_serializer=_serialize, response_deserializer=self._response.FromString
            )
        return self._call(request, timeout=max(0.001, seconds), metadata=tuple(self._headers))

    def _failure(self, error: Any) -> SendResult:
        code = error.code().name if error.code() is not None else "UNKNOWN"
        details = " ".join(str(error.details() or "").split())[:300]
        cause = f"{code}: {details}" if details else code
        wait = _retry_delay(error)
        # Receivers use several codes: grpc-python and grpc-go RESOURCE_EXHAUSTED, tonic OUT_OF_RANGE.
        if code not in _NOT_ABOUT_SIZE and wait is None and (mentions_size(details) or _STATUS_413.search(details)):
            # CLIENT: the response was too large for grpc's own limit, not the request.
            return SendResult("refused" if "CLIENT: Received" in details else "too_large", cause)
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            setting = place_of("headers", self._diagnosis)
            return SendResult("refused", f"{cause} (it does not accept these credentials: {setting})")
        if code == "UNAVAILABLE" and _CERTIFICATE.search(details):
            return SendResult("refused", f"{cause} ({place_of('certificate', self._diagnosis)})")
        if code in self._retryable or (code == "RESOURCE_EXHAUSTED" and wait is not None and not self._codes_given):
            reached = not (code == "UNAVAILABLE" and _NOT_REACHED.search(details))
            # A receiver that answers has not accepted the request; without an answer, it may have.
            cut = code == "UNAVAILABLE" and reached and bool(_DISCONNECTED.search(details))
            unsure = cut or code in ("DEADLINE_EXCEEDED", "CANCELLED")
            if not reached:
                cause = _last_error(cause) + (self._hint if _DISCONNECTED.search(details) else "")
            return SendResult("later", cause, wait, reached=reached, unsure=unsure)
        return SendResult("refused", cause)

    def _explain(self, error: Any, result: SendResult, deadline: float) -> SendResult:
        if self._diagnosis is None:
            return result
        # An unknown cause keeps its hint.
        details = " ".join(str(error.details() or "").split())
        text = self._diagnosis.explain(details, deadline - time.monotonic())
        return result if text == details else replace(result, cause=text)

    def _after_renewal(self, result: SendResult) -> SendResult:
        """Return the result, or ``later`` when the files on disk have changed since the channel was opened."""
        if self._files is None or not self._files.changed():
            return result
        self._renew = True
        if result.verdict == "later":
            return result
        return SendResult("later", self._files.fault() or result.cause, reached=False)

    def _notify(self, response: Any) -> None:
        if self.on_response is not None:
            self.on_response(response)

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


def _is_connection_error(error: Any) -> bool:
    """True if grpc had no usable connection; it reports UNKNOWN for a receiver without ALPN."""
    unknown = error.code() is grpc.StatusCode.UNKNOWN and "Cannot check peer" in str(error.details())
    return unknown or error.code() is grpc.StatusCode.UNAVAILABLE


def _serialize(request: Any) -> bytes:
    data: bytes = request.SerializeToString()
    return data


def _last_error(cause: str) -> str:
    """Reduce ``failed to connect to all addresses; last error: …`` to the last error."""
    return cause.rpartition("last error: ")[2] if "last error: " in cause else cause


def _retry_delay(error: Any) -> float | None:
    """Return the delay in seconds that the receiver asked for (``RetryInfo``); ``None`` without one."""
    trailing = error.trailing_metadata() or () if hasattr(error, "trailing_metadata") else ()
    metadata = {str(name): value for name, value in trailing}
    info = RetryInfo()
    try:
        if "google.rpc.retryinfo-bin" in metadata:
            info.ParseFromString(metadata["google.rpc.retryinfo-bin"])
        elif "grpc-status-details-bin" in metadata:
            status = Status.FromString(metadata["grpc-status-details-bin"])
            kind: Any = RetryInfo.DESCRIPTOR
            found = [detail for detail in status.details if detail.Is(kind)]
            if not found:
                return None
            found[0].Unpack(info)
        else:
            return None
    except Exception:
        # A receiver may send anything in these fields.
        return None
    return max(0.0, float(info.retry_delay.seconds) + float(info.retry_delay.nanos) / 1e9)

"""The status of a grpc response, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from distrokit_otlp.credentials.header_rules import decode_base64
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.protobuf_reader import read_export_response, read_retry_info, read_status
from distrokit_otlp.send_result import SendResult, mentions_size

#: Status codes by number (grpc, *Status codes and their use in gRPC*).
CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
#: Codes after which a retry may succeed (specification, *OTLP/gRPC*, "Failures").
RETRYABLE = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
#: HTTP statuses of proxies (grpc, *HTTP to gRPC Status Code Mapping*); others are UNKNOWN.
_BY_HTTP_STATUS = {
    400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED",
    429: "UNAVAILABLE", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE",
}  # fmt: skip
#: A proxy in front of the receiver refused the request with an HTTP status, in grpcio's words.
_STATUS_413 = re.compile(r"http2 header with status: 413")
#: Codes that never mean a request's size, whatever the text.
_NOT_ABOUT_SIZE = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})


@dataclass(frozen=True)
class GrpcStatus:
    """The status of a response.

    Attributes:
        code: its name.
        details: the receiver's message, on one line.
        wait_seconds: the delay that the receiver asked for (``RetryInfo``); ``None`` without one.
        http_status: of a proxy that answered in place of the receiver; 0 for a response of grpc.
    """

    code: str
    details: str = ""
    wait_seconds: float | None = None
    http_status: int = 0

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> GrpcStatus:
        """Return the status of a response's trailers, or of its headers, names in lower case."""
        http_status = headers.get(":status", "200")
        number = headers.get("grpc-status", "")
        if not number:
            if http_status == "200":
                kind = headers.get("content-type", "")
                wrong = f"the response is of type {kind[:80]}, not grpc" if kind else "the response has no status"
                return cls("UNKNOWN", wrong)
            status = int(http_status) if http_status.isdecimal() else 0
            return cls(_BY_HTTP_STATUS.get(status, "UNKNOWN"), f"HTTP status {http_status}", None, status)
        code = CODES[int(number)] if number.isdecimal() and int(number) < len(CODES) else "UNKNOWN"
        details = " ".join(unquote(headers.get("grpc-message", ""), errors="replace").split())[:300]
        metadata = {name: decode_base64(text) or b"" for name, text in headers.items() if name.endswith("-bin")}
        return cls(code, details, retry_delay(metadata))


def retry_delay(metadata: Mapping[str, bytes]) -> float | None:
    """Return the delay in seconds that the receiver asked for in its trailing metadata; ``None`` without one."""
    try:
        if "google.rpc.retryinfo-bin" in metadata:
            return read_retry_info(metadata["google.rpc.retryinfo-bin"])
        if "grpc-status-details-bin" in metadata:
            return read_status(metadata["grpc-status-details-bin"])[1]
    except ValueError:
        # A receiver may send anything in these fields.
        pass
    return None


def judge_success(response: bytes, unframe: Callable[[bytes], bytes] = bytes) -> SendResult:
    """Return the result for a response with the status OK.

    Args:
        response: what the receiver sent.
        unframe: takes the message out of it; raises ``ValueError`` where there is none.
    """
    try:
        rejected, text = read_export_response(unframe(response))
    except ValueError as error:
        return SendResult("refused", f"the receiver's response is not OTLP: {error}")
    return SendResult("taken", text or "the receiver gave no reason", rejected=rejected)


class StatusJudge:
    """Turns statuses other than OK into results.

    Args:
        diagnosis: names the settings to correct.
        retryable: names of codes; ``None`` for those of the specification.
    """

    def __init__(self, diagnosis: Diagnosis, retryable: frozenset[str] | None) -> None:
        self._diagnosis, self._codes_given = diagnosis, retryable is not None
        self._retryable = RETRYABLE if retryable is None else retryable

    def judge(self, status: GrpcStatus) -> SendResult:
        """Return the result for a status."""
        code, wait = status.code, status.wait_seconds
        cause = f"{code}: {status.details}" if status.details else code
        # Receivers use several codes: grpc-python and grpc-go RESOURCE_EXHAUSTED, tonic OUT_OF_RANGE.
        by_proxy = status.http_status == 413 or bool(_STATUS_413.search(status.details))
        if by_proxy or (code not in _NOT_ABOUT_SIZE and wait is None and mentions_size(status.details)):
            # CLIENT: the response was too large for grpcio's own limit, not the request.
            return SendResult("refused" if "CLIENT: Received" in status.details else "too_large", cause)
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            text = f"{cause} (it does not accept these credentials: {self._diagnosis.credentials_place()})"
            return SendResult("refused", text, credentials=code == "UNAUTHENTICATED")
        if code in self._retryable or (code == "RESOURCE_EXHAUSTED" and wait is not None and not self._codes_given):
            # A receiver that answers has not accepted the request; these two, and proxies, cannot know.
            unsure = code in ("DEADLINE_EXCEEDED", "CANCELLED") or status.http_status in (502, 504)
            return SendResult("later", cause, wait, unsure=unsure)
        return SendResult("refused", cause)

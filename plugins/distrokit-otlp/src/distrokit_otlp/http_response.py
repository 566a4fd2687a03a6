"""An response over HTTP, and whether an OTLP receiver can have given it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from distrokit_otlp.send_result import read_partial_success

#: Of an answer's text, in characters, as evidence.
SHOWN = 200


@dataclass(frozen=True)
class HttpResponse:
    """What came back.

    Attributes:
        headers: as the receiver spelt them.
        content: the body as it was sent, cut at a limit.
        whole: whether the body ended before the limit.
    """

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes
    whole: bool = True

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status_code < 300

    def header(self, name: str) -> str:
        """By its name in lower case; empty when there is none."""
        return next((text for key, text in self.headers.items() if key.lower() == name), "")

    @property
    def kind(self) -> str:
        """The content type, in lower case."""
        return self.header("content-type").lower()

    @property
    def body(self) -> bytes:
        """The content, decompressed where it came compressed although nobody asked for that; cut at a megabyte."""
        if self.header("content-encoding").lower() not in ("gzip", "deflate"):
            return self.content
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(self.content, 1_000_000)
        except zlib.error:
            return self.content


def is_otlp(response: HttpResponse) -> bool:
    """Whether an response of success can be a receiver's: nothing, or what decodes."""
    if not response.ok or "html" in response.kind:
        return False
    if not response.content:
        return True
    if "json" in response.kind:
        found = read_json(response)
        return found is not None and set(found) <= {"partialSuccess", "partial_success"}
    try:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        # All three answers have the same shape; anything else decodes to fields that nobody knows.
        message = ExportTraceServiceResponse.FromString(response.body)
    except DecodeError:
        return False
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return bool(message.ByteSize() == size)


def is_web_page(response: HttpResponse) -> bool:
    """Return true for a web page, such as that of a login, a proxy or another service at this address.

    Ask :func:`is_otlp` first: a protobuf message may begin with the same bytes.
    """
    return "html" in response.kind or response.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_rejected(response: HttpResponse, message_type: Any) -> tuple[int, str]:
    """How many items a receiver that took the rest rejected, and its words.

    Args:
        message_type: the protobuf class of the signal's responses.
    """
    if not response.content:
        return 0, ""
    if "json" not in response.kind:
        return read_partial_success(message_type.FromString(response.body))
    found = read_json(response) or {}
    said = found.get("partialSuccess") or found.get("partial_success") or {}
    if not isinstance(said, dict):
        return 0, ""
    counts = [value for name, value in said.items() if name.lower().startswith("rejected")]
    # 64-bit numbers are text in protobuf's JSON.
    rejected = sum(int(value) for value in counts if str(value).isdecimal())
    return rejected, str(said.get("errorMessage") or said.get("error_message") or "")


def read_text(response: HttpResponse) -> str:
    """What a body says, on one line; an OTLP status has its message in it."""
    if "protobuf" in response.kind:
        from google.rpc.status_pb2 import Status

        try:
            return str(Status.FromString(response.body).message)[:SHOWN]
        except DecodeError:
            return ""
    text = " ".join(response.body[:4096].decode("utf-8", "replace").split())
    return text[:SHOWN] if text.isprintable() else ""


def read_json(response: HttpResponse) -> dict[str, Any] | None:
    """The body as a JSON object; ``None`` when it is none."""
    try:
        found = json.loads(response.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

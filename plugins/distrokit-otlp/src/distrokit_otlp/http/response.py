"""A response over HTTP: reads it, and tells whether it is an OTLP receiver's."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distrokit_otlp.protobuf_reader import read_export_response, read_status

#: Length of a response's text in messages, in characters.
SHOWN = 200


@dataclass(frozen=True)
class HttpResponse:
    """One HTTP response.

    Attributes:
        headers: in the receiver's spelling.
        content: the body as sent, cut at a limit.
        whole: true when the body ended before the limit.
    """

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes
    whole: bool = True

    @property
    def ok(self) -> bool:
        """True for a status of success."""
        return 200 <= self.status_code < 300

    def header(self, name: str) -> str:
        """Return a header by its name in lower case; empty when it is missing."""
        return next((text for key, text in self.headers.items() if key.lower() == name), "")

    @property
    def kind(self) -> str:
        """The content type, in lower case."""
        return self.header("content-type").lower()

    @property
    def body(self) -> bytes:
        """The decompressed content, cut at a megabyte; some receivers compress although the request forbids it."""
        if self.header("content-encoding").lower() not in ("gzip", "deflate"):
            return self.content
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(self.content, 1_000_000)
        except zlib.error:
            return self.content


def is_otlp(response: HttpResponse) -> bool:
    """True if a successful response can be an OTLP receiver's: it is empty, or decodes as OTLP."""
    if not response.ok or "html" in response.kind:
        return False
    if not response.content:
        return True
    if "json" in response.kind:
        found = read_json(response)
        return found is not None and set(found) <= {"partialSuccess", "partial_success"}
    try:
        read_export_response(response.body, strict=True)
    except ValueError:
        return False
    return True


def is_web_page(response: HttpResponse) -> bool:
    """True for a web page, such as a login, a proxy's page or another service at this address.

    Ask :func:`is_otlp` first: a protobuf message may begin with the same bytes.
    """
    return "html" in response.kind or response.body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_rejected(response: HttpResponse) -> tuple[int, str]:
    """Return the number of rejected items of a partial success, and the receiver's message."""
    if not response.content:
        return 0, ""
    if "json" not in response.kind:
        return read_export_response(response.body)
    found = read_json(response) or {}
    partial = found.get("partialSuccess") or found.get("partial_success") or {}
    if not isinstance(partial, dict):
        return 0, ""
    counts = [value for name, value in partial.items() if name.lower().startswith("rejected")]
    # Protobuf's JSON has 64-bit numbers as text.
    rejected = sum(int(value) for value in counts if str(value).isdecimal())
    return rejected, str(partial.get("errorMessage") or partial.get("error_message") or "")


def read_text(response: HttpResponse) -> str:
    """Return the body's text on one line; for an OTLP status, its message."""
    if "protobuf" in response.kind:
        try:
            return read_status(response.body)[0][:SHOWN]
        except ValueError:
            return ""
    text = " ".join(response.body[:4096].decode("utf-8", "replace").split())
    return text[:SHOWN] if text.isprintable() else ""


def read_json(response: HttpResponse) -> dict[str, Any] | None:
    """Return the body as a JSON object; ``None`` for anything else."""
    try:
        found = json.loads(response.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

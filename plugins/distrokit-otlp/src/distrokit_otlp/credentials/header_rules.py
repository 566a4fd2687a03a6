"""Finds headers that a transport cannot send, or that it sets by itself.

A receiver rejects every request with such a header, or the transport does not send it. Standard library only: this
also runs while the plan is made.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Mapping

_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")

#: Headers of one connection (RFC 9110, 7.6.1; RFC 9113, 8.2.2), or of the body, which the exporter makes.
_SET_BY_TRANSPORT = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "expect", "http2-settings", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
#: A compressed response may expand a thousandfold.
_SET_BY_HTTP = _SET_BY_TRANSPORT | {"accept-encoding"}
#: grpc sends the endpoint and its own user agent.
_SET_BY_GRPC = _SET_BY_TRANSPORT | {"host", "user-agent"}
_GRPC_NAME = re.compile(r"[0-9a-z_.-]+")
_BINARY = "-bin"


def find_fault(name: str, value: str, *, grpc: bool) -> str:
    """Return why a header cannot be sent; empty when it can.

    Args:
        name: in lower case.
        value: never part of the result, since it may be a secret.
    """
    transport = "grpc" if grpc else "HTTP"
    if not grpc and name == "connection" and value.lower() in ("close", "keep-alive"):
        return ""
    if name in (_SET_BY_GRPC if grpc else _SET_BY_HTTP) or name.startswith(":") or (grpc and name.startswith("grpc-")):
        return f"{transport} sets the header {name!r} by itself"
    if grpc and not _GRPC_NAME.fullmatch(name):
        # A name without a value may be a misplaced credential.
        shown = f"a header named {name!r}" if value.strip("=") else "such a header's name"
        return f"grpc cannot carry {shown}: only letters, digits, '-', '_' and '.' are allowed"
    if grpc and name.endswith(_BINARY) and decode_base64(value) is None:
        return f"the value of {name!r} is not base64, which grpc requires for names that end in {_BINARY}"
    return ""


def decode_base64(value: str) -> bytes | None:
    """Decode base64 with or without padding; ``None`` for other text."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def to_metadata(headers: Mapping[str, str]) -> tuple[tuple[str, str | bytes], ...]:
    """Return headers as grpc metadata; the base64 values of ``-bin`` headers become bytes."""
    return tuple(
        (name, decode_base64(value) or b"" if name.endswith(_BINARY) else value) for name, value in headers.items()
    )


def is_about_header(error: BaseException) -> bool:
    """True for an HTTP library's exception about an invalid header, whose text contains the value."""
    return type(error).__name__ == "InvalidHeader" or str(error).startswith("Invalid header")


def describe_without_header(error: Exception) -> str:
    """Return an exception's text, but not that of an invalid header."""
    return f"{type(error).__name__}: {'a request header is invalid' if is_about_header(error) else error}"


class HeaderFilter:
    """Selects the headers that a transport can send, at the start and whenever plugins or files return new ones.

    Args:
        owner: the exporter and its signal, for messages.
        grpc: true for grpc, false for HTTP.
    """

    def __init__(self, owner: str, *, grpc: bool) -> None:
        self._owner, self._grpc = owner, grpc
        self._refused: set[str] = set()

    def __call__(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that can be sent; log each other one once."""
        kept: dict[str, str] = {}
        for name, value in headers.items():
            why = find_fault(name.lower(), value, grpc=self._grpc)
            if not why:
                kept[name] = value
            elif why not in self._refused:
                self._refused.add(why)
                _logger.warning("%s: %s; that header is left out", self._owner, why)
        return kept

    def mute(self, headers: Mapping[str, str]) -> None:
        """Do not log the faults of these headers."""
        self._refused.update(find_fault(name.lower(), value, grpc=self._grpc) for name, value in headers.items())

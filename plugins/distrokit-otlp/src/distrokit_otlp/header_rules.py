"""Headers that a transport cannot carry, and those that it sets by itself.

A receiver refuses every request with such a header, or the transport refuses to send it. Standard library only: this
also runs while the plan is made.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Mapping

_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")

#: Of one connection (RFC 9110, 7.6.1; RFC 9113, 8.2.2), or of the body, which the exporter makes.
_SET_BY_TRANSPORT = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "expect", "http2-settings", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
#: An answer may be compressed a thousandfold.
_SET_BY_HTTP = _SET_BY_TRANSPORT | {"accept-encoding"}
#: What grpc sends in their place is the endpoint, and its own agent.
_SET_BY_GRPC = _SET_BY_TRANSPORT | {"host", "user-agent"}
_GRPC_NAME = re.compile(r"[0-9a-z_.-]+")
_BINARY = "-bin"


def find_fault(name: str, value: str, *, grpc: bool) -> str:
    """Why a header cannot be sent; empty when it can.

    Args:
        name: in lower case.
        value: is not repeated.
    """
    transport = "grpc" if grpc else "HTTP"
    if not grpc and name == "connection" and value.lower() in ("close", "keep-alive"):
        return ""
    if name in (_SET_BY_GRPC if grpc else _SET_BY_HTTP) or name.startswith(":") or (grpc and name.startswith("grpc-")):
        return f"{transport} sets the header {name!r} by itself"
    if grpc and not _GRPC_NAME.fullmatch(name):
        # Without a value, it may be a credential that stands where a name belongs.
        shown = f"a header named {name!r}" if value.strip("=") else "such a header's name"
        return f"grpc cannot carry {shown}: it takes letters, digits, '-', '_' and '.'"
    if grpc and name.endswith(_BINARY) and decode_base64(value) is None:
        return f"the value of {name!r} is not base64, which grpc has for names that end in {_BINARY}"
    return ""


def decode_base64(value: str) -> bytes | None:
    """Base64 with or without padding; ``None`` when it is none."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def to_metadata(headers: Mapping[str, str]) -> tuple[tuple[str, str | bytes], ...]:
    """The headers as grpc takes them: those in base64 as the bytes they stand for."""
    return tuple(
        (name, decode_base64(value) or b"" if name.endswith(_BINARY) else value) for name, value in headers.items()
    )


class HeaderFilter:
    """Keeps the headers that a transport can send. What plugins and files give while the process runs comes here, too.

    Args:
        owner: the exporter and its signal, for messages.
        grpc: the transport.
    """

    def __init__(self, owner: str, *, grpc: bool) -> None:
        self._owner, self._grpc = owner, grpc
        self._refused: set[str] = set()

    def __call__(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Those that can be sent; each other one is named once."""
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
        """Do not name those of these that cannot be sent."""
        self._refused.update(find_fault(name.lower(), value, grpc=self._grpc) for name, value in headers.items())

"""The settings say one thing, and another is spoken at the receiver: what is seen, and the line that mends it.

The same words for ``distrokit doctor`` and for a running process.
"""

from __future__ import annotations

from distrokit_otlp.protocol_sniffing import STEP, detect_protocol, detect_protocol_in_tls, speaks_tls
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.route import Route

_OTHER = {"grpc": "http/protobuf", "http/protobuf": "grpc", "http/json": "grpc"}
_FOREIGN = {"grpc": "http/1", "http/protobuf": "http/2", "http/json": "http/2"}

#: What is seen, without who it is, and what to do.
Finding = tuple[str, str]


def other_protocol(protocol: str, remedies: Remedies) -> Finding:
    """The receiver speaks the other transport only."""
    other = "HTTP/1, which is not grpc" if protocol == "grpc" else "HTTP/2 only, which is grpc"
    return f"speaks {other}, and {protocol} was sent", remedies.protocol(_OTHER[protocol])


def tls_expected(endpoint: str, remedies: Remedies) -> Finding:
    """The receiver speaks TLS, and was sent plaintext."""
    return "speaks TLS, and plaintext was sent", remedies.scheme(endpoint, "https")


def detect_mismatch(route: Route, protocol: str, remedies: Remedies, seconds: float = STEP) -> Finding | None:
    """Look at what is spoken there; ``None`` when it is what was sent, or that cannot be told.

    Args:
        seconds: for each of up to two connections.
    """
    protocol_seen = (detect_protocol_in_tls if route.tls else detect_protocol)(route.host, route.port, seconds)
    if protocol_seen == "tls" or (not protocol_seen and not route.tls and speaks_tls(route.host, route.port, seconds)):
        return tls_expected(route.url, remedies)
    return other_protocol(protocol, remedies) if protocol_seen == _FOREIGN.get(protocol) else None

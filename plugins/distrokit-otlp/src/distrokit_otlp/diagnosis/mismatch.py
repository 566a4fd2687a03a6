"""Detects a receiver that speaks another protocol than the settings, and names the setting to change.

``distrokit doctor`` and a running process use the same words.
"""

from __future__ import annotations

from distrokit_otlp.diagnosis.protocol_sniffing import STEP, detect_protocol, detect_protocol_in_tls, speaks_tls
from distrokit_otlp.diagnosis.route import Route
from distrokit_otlp.remedies import Remedies

_OTHER = {"grpc": "http/protobuf", "http/protobuf": "grpc", "http/json": "grpc"}
_FOREIGN = {"grpc": "http/1", "http/protobuf": "http/2", "http/json": "http/2"}

#: Evidence, without host and port, and remedy.
Finding = tuple[str, str]


def other_protocol(protocol: str, remedies: Remedies) -> Finding:
    """Return the finding for a receiver that speaks only the other transport."""
    other = "HTTP/1, which is not grpc" if protocol == "grpc" else "HTTP/2 only, which is grpc"
    return f"speaks {other}, and {protocol} was sent", remedies.protocol(_OTHER[protocol])


def tls_expected(endpoint: str, remedies: Remedies) -> Finding:
    """Return the finding for a receiver that speaks TLS, and was sent plaintext."""
    return "speaks TLS, and plaintext was sent", remedies.scheme(endpoint, "https")


def detect_mismatch(route: Route, protocol: str, remedies: Remedies, seconds: float = STEP) -> Finding | None:
    """Probe the receiver's protocol; ``None`` when it matches, or cannot be detected.

    Args:
        seconds: the timeout of each of up to two connections.
    """
    protocol_seen = (detect_protocol_in_tls if route.tls else detect_protocol)(route.host, route.port, seconds)
    if protocol_seen == "tls" or (not protocol_seen and not route.tls and speaks_tls(route.host, route.port, seconds)):
        return tls_expected(route.url, remedies)
    return other_protocol(protocol, remedies) if protocol_seen == _FOREIGN.get(protocol) else None

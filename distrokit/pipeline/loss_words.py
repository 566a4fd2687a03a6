"""The texts of messages about losses."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from distrokit.declarations import Signal
from distrokit.diagnostics import one_line

#: Seconds between two lines about one exporter.
INTERVAL = 60.0

UNITS: dict[Signal, str] = {"traces": "span", "metrics": "data point", "logs": "log record"}

#: A pattern of exporters' messages; the short cause; true if the cause is followed by the receiver's address.
_CAUSES = (
    (re.compile(r"proxy", re.IGNORECASE), "proxy error", False),
    (re.compile(r"connection refused", re.IGNORECASE), "connection refused", True),
    (
        re.compile(
            r"name or service not known|name resolution|DNS resolution|nodename nor|no address|lookup failed"
            r"|domain name not",
            re.IGNORECASE,
        ),
        "host name cannot be resolved",
        True,
    ),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), "certificate verification failed", True),
    (
        re.compile(r"connection aborted|connection ?reset|RemoteDisconnected|socket closed", re.IGNORECASE),
        "connection closed without a response",
        True,
    ),
    (re.compile(r"timed out|DEADLINE_EXCEEDED", re.IGNORECASE), "no response in time", True),
)

#: Causes that name the place themselves: ``connection refused at a:1; connection timed out at b:1``.
_FINISHED = re.compile(
    r"^(?:the proxy \S+ |name resolution failed: |a SOCKS proxy |(?:[^;]+ at (?:the proxy )?\S+)(?:; [^;]+ at \S+)*$)"
)

#: Texts of loss reasons. "failed" needs none, since the cause follows. Other reasons are printed as they are.
_REASONS = {
    "queue_full": "because the queue was full",
    "exit": "because the exit timeout expired (DISTROKIT_EXIT_TIMEOUT)",
    "unsure": "sent twice without a response, may have arrived",
    "rejected": "rejected by the receiver",
    "unencodable": "not encodable",
    "too_large": "larger than the receiver accepts",
    "after_shutdown": "recorded after shutdown",
}
#: The prefix of a reason that names a transform; such items never reached the exporter.
TRANSFORM_PREFIX = "dropped because "
#: Reasons that the exporter explains: a message about them ends with its cause.
EXPLAINED_REASONS = {"failed", "queue_full", "exit", "rejected", "too_large", "unsure", "unencodable"}


def shorten_cause(text: str, endpoint: str = "") -> str:
    """Return a short cause for an exporter's message: ``connection refused at collector:4317``.

    Args:
        endpoint: the receiver's address, a URL or host and port; empty if unknown.
    """
    if _FINISHED.search(text):
        return one_line(text, 300)
    where = host_and_port(endpoint)
    for pattern, meaning, has_address in _CAUSES:
        if pattern.search(text):
            return f"{meaning} at {where}" if has_address and where else meaning
    return one_line(text, 300)


def host_and_port(endpoint: object) -> str:
    """Return host and port of an endpoint; empty if it has none."""
    text = str(endpoint or "")
    try:
        return urlsplit(text if "://" in text else f"//{text}").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def describe_reason(reason: str) -> str:
    """Return a loss reason as it is printed."""
    return _REASONS.get(reason, "not sent" if reason == "failed" else reason)


def describe_duration(seconds: float) -> str:
    """Return a duration as it is printed: ``minute``, ``5 minutes``, ``3 s``."""
    if INTERVAL <= seconds < 2 * INTERVAL:
        return "minute"
    return f"{seconds / 60:.0f} minutes" if seconds >= INTERVAL else f"{max(1, round(seconds))} s"

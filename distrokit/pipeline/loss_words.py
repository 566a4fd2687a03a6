"""The words in which losses are told."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from distrokit.declarations import Signal
from distrokit.diagnostics import one_line

#: Seconds between two lines about one exporter.
INTERVAL = 60.0

UNITS: dict[Signal, str] = {"traces": "span", "metrics": "data point", "logs": "log record"}

#: What exporters say, in many words; what it means; whether it is about the place that is sent to.
_CAUSES = (
    (re.compile(r"proxy", re.IGNORECASE), "the proxy did not let it through", False),
    (re.compile(r"connection refused", re.IGNORECASE), "connection refused", True),
    (
        re.compile(
            r"name or service not known|name resolution|DNS resolution|nodename nor|no address|lookup failed"
            r"|domain name not",
            re.IGNORECASE,
        ),
        "the name cannot be resolved",
        True,
    ),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), "its certificate was not accepted", True),
    (
        re.compile(r"connection aborted|connection ?reset|RemoteDisconnected|socket closed", re.IGNORECASE),
        "the connection ended without an answer",
        True,
    ),
    (re.compile(r"timed out|DEADLINE_EXCEEDED", re.IGNORECASE), "no answer in time", True),
)

#: In a line. "failed" needs no words: the cause follows. What is not here is said in its own words.
_REASONS = {
    "queue_full": "as the queue was full",
    "exit": "as the time to exit was over (DISTROKIT_EXIT_TIMEOUT)",
    "unsure": "sent twice and never answered, so that it may have arrived",
    "rejected": "rejected by the receiver",
    "unencodable": "that cannot be encoded",
    "too_large": "larger than the receiver takes",
    "after_shutdown": "recorded after the shutdown",
}
#: How the reason begins that is about a transform, which the exporter had no part in.
BY_TRANSFORM = "dropped since "
#: Those that are about the receiver: the cause that the exporter gave belongs to them.
OF_THE_RECEIVER = {"failed", "queue_full", "exit", "rejected", "too_large", "unsure"}


def in_short(text: str, where: str) -> str:
    """What an exporter said, down to what it means.

    Args:
        where: host and port it sends to; empty when that is not known.
    """
    for pattern, meaning, there in _CAUSES:
        if pattern.search(text):
            return f"{meaning} at {where}" if there and where else meaning
    return one_line(text, 300)


def host_and_port(endpoint: object) -> str:
    """Of an endpoint; empty when it has none."""
    text = str(endpoint or "")
    try:
        return urlsplit(text if "://" in text else f"//{text}").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def in_words(reason: str) -> str:
    """A reason as it stands in a line."""
    return _REASONS.get(reason, "not sent" if reason == "failed" else reason)


def span(seconds: float) -> str:
    """A time in words."""
    if INTERVAL <= seconds < 2 * INTERVAL:
        return "minute"
    return f"{seconds / 60:.0f} minutes" if seconds >= INTERVAL else f"{max(1, round(seconds))} s"

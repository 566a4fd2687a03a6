"""The parameters of the parts, read while the plan is made; this imports nothing of OpenTelemetry."""

from __future__ import annotations

from typing import Any

from aws_example import settings
from distrokit import Reader, Value


def rules(reader: Reader) -> dict[str, Value[Any]]:
    """``OTEL_TRACES_SAMPLER_ARG=endpoint=http://localhost:2000,polling_interval=300``, the interval in seconds."""

    def pairs(text: str) -> dict[str, str]:
        return {name.strip(): value.strip() for name, _, value in (item.partition("=") for item in text.split(","))}

    def interval(text: str) -> float:
        seconds = float(pairs(text).get("polling_interval", 300))
        if not 0 < seconds <= 86_400:
            raise ValueError("polling_interval is a number of seconds up to 86400")
        return seconds

    default = "http://localhost:2000"
    return {
        "endpoint": reader.parsed("OTEL_TRACES_SAMPLER_ARG", lambda t: pairs(t).get("endpoint", default), default),
        "interval_seconds": reader.parsed("OTEL_TRACES_SAMPLER_ARG", interval, 300.0),
    }


def redaction(reader: Reader) -> dict[str, Value[Any]]:
    """Patterns, as ``*`` and ``?`` have it."""

    def split(text: str) -> list[str]:
        return [item.strip() for item in text.split(",") if item.strip()]

    return {"patterns": reader.parsed(settings.REDACTED, split, [], key="patterns")}


def datagrams(reader: Reader) -> dict[str, Value[Any]]:
    """Where the daemon listens."""

    def address(text: str) -> str:
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError("it is host:port")
        return text

    return {"endpoint": reader.parsed(settings.DAEMON, address, "127.0.0.1:2000", key="endpoint")}


def emf(reader: Reader) -> dict[str, Value[Any]]:
    """Where the lines go."""
    return {"stream": reader.choice(settings.EMF, ("stdout", "stderr"), "stdout", key="stream")}

"""Reads which traffic is quiet, and which entries of the baggage become attributes."""

from __future__ import annotations

from typing import Any

from distrokit import Reader, Setting, Value, did_you_mean
from distrokit_guard.globs import parse_globs

BAGGAGE_KEYS = "DISTROKIT_GUARD_BAGGAGE_KEYS"
ROUTES, SPANS, SCOPES, LOGGERS, SEVERITY = (
    f"DISTROKIT_GUARD_QUIET_{name}" for name in ("ROUTES", "SPANS", "SCOPES", "LOGGERS", "SEVERITY")
)

#: The lowest severity number of each level (data model of logs, *Severity fields*).
_SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "warning": 13, "error": 17, "fatal": 21}


def _setting(name: str, kind: str, meaning: str) -> Setting:
    return Setting(name=name, kind=kind, consumer="guard", meaning=meaning, parameter=True)


TRAFFIC_SETTINGS = (
    _setting(
        BAGGAGE_KEYS,
        "list of names",
        "the entries of the baggage that become attributes of spans and log records, by name or pattern (`*`, `?`); a"
        " value of more than 1,024 characters is left out",
    ),
    _setting(
        ROUTES,
        "list of names",
        "paths of requests whose traces are dropped as a whole, by name or pattern (`*`, `?`): `/healthz,/internal/*`",
    ),
    _setting(
        SPANS,
        "list of names",
        "names or patterns of spans: a trace whose first span in this process matches is dropped as a whole",
    ),
    _setting(SCOPES, "list of names", "names or patterns of instrumentation scopes whose spans are not recorded"),
    _setting(LOGGERS, "list of names", "names or patterns of loggers whose log records are dropped"),
    _setting(
        SEVERITY,
        "one of trace, debug, info, warn, error, fatal",
        "log records below this severity are dropped; those without one are kept",
    ),
)


def read_globs(reader: Reader, name: str) -> Value[tuple[str, ...]]:
    """Read a list of patterns; one that matches everything is refused."""
    value: Value[tuple[str, ...]] = reader.parsed(name, parse_globs, ())
    return value


def baggage_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read ``keys``."""
    return {"keys": read_globs(reader, BAGGAGE_KEYS)}


def sampler_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read ``routes`` and ``spans``."""
    return {"routes": read_globs(reader, ROUTES), "spans": read_globs(reader, SPANS)}


def log_record_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read ``loggers`` and ``severity``, a severity number."""
    return {"loggers": read_globs(reader, LOGGERS), "severity": reader.parsed(SEVERITY, _parse_severity, 0)}


def _parse_severity(text: str) -> int:
    number = _SEVERITIES.get(text.lower())
    if number is None:
        raise ValueError(f"valid values are {', '.join(_SEVERITIES)}", did_you_mean(text, list(_SEVERITIES)))
    return number

"""Severities of log records. Source: specification, *Logs Data Model*, "Severity Fields"."""

from __future__ import annotations

from distrokit_dev.received import ReceivedLog

_NAMES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_PER_NAME = 4
_ERROR = 17


def severity_of(log: ReceivedLog) -> str:
    """Return the severity text, else the name of the number; empty if it has neither."""
    rank = (log.severity_number - 1) // _PER_NAME
    return log.severity or (_NAMES[rank] if 0 <= rank < len(_NAMES) else "")


def rank_of(log: ReceivedLog) -> str:
    """Return one of the six names of the specification; empty if unknown."""
    rank = (log.severity_number - 1) // _PER_NAME
    if 0 <= rank < len(_NAMES):
        return _NAMES[rank]
    text = "FATAL" if log.severity.upper() == "CRITICAL" else log.severity.upper()
    return next((name for name in _NAMES if text.startswith(name)), "")


def is_error(log: ReceivedLog) -> bool:
    """True for ``ERROR`` and above."""
    return log.severity_number >= _ERROR or rank_of(log) in ("ERROR", "FATAL")

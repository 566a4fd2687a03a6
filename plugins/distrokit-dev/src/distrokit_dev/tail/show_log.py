"""Formats a log record as one line."""

from __future__ import annotations

from datetime import datetime, timezone

from rich.text import Text

from distrokit_dev.received import ReceivedLog, service_of
from distrokit_dev.tail.severity import rank_of, severity_of
from distrokit_dev.tail.typeface import Typeface, as_text

_STYLE = {"WARN": "yellow", "ERROR": "red", "FATAL": "bold red", "DEBUG": "dim", "TRACE": "dim"}

_SEVERITY_WIDTH = 8


def clock(nanoseconds: int) -> str:
    """Return the local time of day with milliseconds; dashes if there is no time."""
    if not nanoseconds:
        return "--:--:--.---"
    return f"{datetime.fromtimestamp(nanoseconds / 1e9, tz=timezone.utc).astimezone():%H:%M:%S.%f}"[:-3]


def show_log(log: ReceivedLog, width: int, typeface: Typeface) -> Text:
    """Format a log record by itself: time, severity, service, body, and trace."""
    line = Text().append(f"{clock(log.time)} ", style="dim")
    line.append_text(_severity(log, typeface))
    line.append(" " + typeface.clean(service_of(log), max(8, width // 5)), style="cyan")
    trace = f"  trace {log.trace_id[:8]}" if log.trace_id else ""
    line.append("  " + typeface.clean(_message(log), max(1, width - line.cell_len - 2 - len(trace))))
    line.append(trace, style="dim")
    line.truncate(width)
    return line


def show_log_of_span(log: ReceivedLog, prefix: str, width: int, typeface: Typeface) -> Text:
    """Format a log record below its span."""
    line = Text().append(prefix, style="dim")
    line.append_text(_severity(log, typeface))
    line.append("  " + typeface.clean(_message(log), max(1, width - line.cell_len - 2)))
    line.truncate(width)
    return line


def _severity(log: ReceivedLog, typeface: Typeface) -> Text:
    text = typeface.clean(severity_of(log) or "-", _SEVERITY_WIDTH)
    return Text(f"{text:<5}", style=_STYLE.get(rank_of(log), ""))


def _message(log: ReceivedLog) -> str:
    kind = as_text(log.attributes.get("exception.type"))
    message = as_text(log.attributes.get("exception.message"))
    return as_text(log.body) + (f" ({kind}: {message})" if kind else "")

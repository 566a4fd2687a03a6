"""Explains that a provider was not set, since the process has one: OpenTelemetry's own message names neither."""

from __future__ import annotations

import logging
import re
from copy import copy

from distrokit.pipeline.callers import find_caller

_MESSAGE = re.compile(r"Overriding of current (Tracer|Meter|Logger)Provider is not allowed")
#: Per class of the API: the function, the function that returns the current one, and what may be added to it.
_FUNCTIONS = {
    "Tracer": ("trace.set_tracer_provider", "trace.get_tracer_provider", "span processors"),
    "Meter": ("metrics.set_meter_provider", "metrics.get_meter_provider", "metric readers"),
    "Logger": ("_logs.set_logger_provider", "_logs.get_logger_provider", "log record processors"),
}
_BETWEEN = (
    "logging", "opentelemetry.", "distrokit.instrumentation", "distrokit.lazy", "distrokit.pipeline.sdk_messages"
)  # fmt: skip
_OURS = "distrokit.pipeline.process_globals"


def explain_overriding(record: logging.LogRecord) -> logging.LogRecord | None:
    """Return the record, in other words if it is this message; ``None`` if distrokit itself has reported the same."""
    found = _MESSAGE.fullmatch(record.msg) if isinstance(record.msg, str) and not record.args else None
    if found is None:
        return record
    caller = find_caller(*_BETWEEN)
    if caller == _OURS:
        return None
    setter, getter, parts = _FUNCTIONS[found.group(1)]
    explained = copy(record)
    explained.msg = (
        f"{setter}() by {caller or 'unknown code'} changes nothing: the process keeps the provider that it has, and"
        f" nothing is recorded for the other one. Add {parts} to {getter}() instead; or start the process without"
        " distrokit, if the other one shall configure it."
    )
    return explained

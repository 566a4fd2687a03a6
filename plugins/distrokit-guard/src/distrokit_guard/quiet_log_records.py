"""A transform that drops single log records by logger and severity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.sdk._logs import ReadWriteLogRecord

from distrokit_guard.globs import match_globs


def drop_quiet_log_records(
    loggers: Sequence[str], severity: int
) -> Callable[[ReadWriteLogRecord], ReadWriteLogRecord | None]:
    """Return the transform.

    Args:
        loggers: patterns of the names of loggers whose records are dropped.
        severity: records below this severity number are dropped; 0 for none. A record without one passes.
    """
    is_quiet = match_globs(loggers)

    def drop(record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        number = record.log_record.severity_number
        if number is not None and 0 < number.value < severity:
            return None
        scope = record.instrumentation_scope
        return None if scope is not None and is_quiet(scope.name) else record

    drop.records_nothing = True  # type: ignore[attr-defined]  # distrokit looks for it
    return drop

"""Log records: whose, in which words, and of which traces."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import ReadWriteLogRecord

from distrokit import BuildContext


def make_sampled_only(context: BuildContext) -> Callable[[ReadWriteLogRecord], ReadWriteLogRecord | None]:
    """At ``transform``: a record outside of any trace stays."""

    def sampled_only(record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        log = record.log_record
        return record if not log.trace_id or (log.trace_flags or 0) & 1 else None

    return sampled_only


class NamedLogger:
    """An instrumentation that no package publishes: OpenTelemetry's handler on one logger, with a formatter.

    Args:
        logger_name: empty for the root.
        logging_format: as ``logging.Formatter`` has it; empty for the bare message.
    """

    def __init__(self, logger_name: str = "", logging_format: str = "") -> None:
        self._logger = logging.getLogger(logger_name or None)
        self._format = logging_format

    def instrument(self, **options: Any) -> None:
        """Attach it, once the logger provider is there."""
        handler = LoggingHandler()
        if self._format:
            handler.setFormatter(logging.Formatter(self._format))
        self._logger.addHandler(handler)

"""Copies chosen entries of the baggage to attributes of spans and log records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from distrokit_guard.globs import match_globs

#: In characters: baggage comes from outside, so its values may be of any length. Longer ones are left out: the first
#: part of a secret could not be recognised as one.
LONGEST_VALUE = 1024


class _Baggage:
    """The chosen entries.

    Args:
        keys: names and patterns.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._matches = match_globs(keys)

    def choose(self, context: Context | None) -> Iterator[tuple[str, str]]:
        """Yield name and value of each chosen entry; ``None`` for the current context."""
        for key, value in baggage.get_all(context).items():
            if self._matches(key) and len(text := str(value)) <= LONGEST_VALUE:
                yield key, text


class BaggageToSpans(SpanProcessor):
    """Adds the entries to each span at its start. An attribute that the span has already stays.

    Args:
        keys: names and patterns.
    """

    records_nothing = True

    def __init__(self, keys: Sequence[str]) -> None:
        self._baggage = _Baggage(keys)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for key, value in self._baggage.choose(parent_context):
            if key not in (span.attributes or {}):
                span.set_attribute(key, value)

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing."""


class BaggageToLogRecords(LogRecordProcessor):
    """Adds the entries to each log record.

    Args:
        keys: names and patterns.
    """

    records_nothing = True

    def __init__(self, keys: Sequence[str]) -> None:
        self._baggage = _Baggage(keys)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = log_record.log_record
        chosen = dict(self._baggage.choose(record.context))
        if chosen:
            record.attributes = {**chosen, **(record.attributes or {})}

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Do nothing."""
        return True

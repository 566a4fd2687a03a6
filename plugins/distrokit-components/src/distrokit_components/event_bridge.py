"""The configuration schema's ``event_to_span_event_bridge/development``: events become events of their span."""

from __future__ import annotations

from typing import Any

from distrokit import BuildContext


def make_bridge(context: BuildContext) -> Any:
    """Make a log record processor that adds events to the current span if it is recording and is the record's span.

    Source: specification, *Logs SDK*, "Event to span event bridge".
    """
    from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
    from opentelemetry.trace import get_current_span

    class Bridge(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            record = log_record.log_record
            span = get_current_span(record.context)
            own = span.get_span_context()
            if (
                record.event_name
                and span.is_recording()
                and (own.trace_id, own.span_id)
                == (
                    record.trace_id,
                    record.span_id,
                )
            ):
                timestamp = record.timestamp or record.observed_timestamp
                attributes: Any = dict(record.attributes or {})
                span.add_event(record.event_name, attributes, timestamp)

        def shutdown(self) -> None:
            """Do nothing: the bridge holds no resources."""

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    return Bridge()

"""Log records as JSON, and back.

``context`` and ``exception`` of a record are not stored: they are objects of the process. The SDK has converted the
exception to attributes before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import TraceFlags

from distrokit_spool.payloads.attribute_values import attributes_of, plain_attributes
from distrokit_spool.payloads.attribute_values import plain as plain_value
from distrokit_spool.payloads.attribute_values import value as value_of
from distrokit_spool.payloads.origins import Origins, OriginsRead


def pieces(batch: Sequence[ReadableLogRecord]) -> Iterator[tuple[ReadableLogRecord, int]]:
    """Yield each log record with its size in items."""
    return ((record, 1) for record in batch)


def plain(item: ReadableLogRecord, origins: Origins) -> Any:
    """Convert a log record to JSON types. Raises what its values raise."""
    record = item.log_record
    return {
        "resource": origins.resource(item.resource),
        "scope": origins.scope(item.instrumentation_scope),
        "time": record.timestamp,
        "observed": record.observed_timestamp,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "flags": int(record.trace_flags or 0),
        "severity": None if record.severity_number is None else record.severity_number.value,
        "severity_text": record.severity_text,
        "body": plain_value(record.body),
        "event_name": record.event_name,
        "attributes": plain_attributes(record.attributes),
        "dropped": item.dropped_attributes,
    }


def batch(read: Sequence[Any], origins: OriginsRead) -> list[ReadableLogRecord]:
    """Convert a list of :func:`plain` results back."""
    return [
        ReadableLogRecord(
            log_record=_record(one),
            resource=origins.resource(one["resource"]),
            instrumentation_scope=origins.scope(one["scope"]),
        )
        for one in read
    ]


def _record(read: Any) -> LogRecord:
    severity = read["severity"]
    record = LogRecord(
        timestamp=read["time"],
        observed_timestamp=read["observed"],
        severity_text=read["severity_text"],
        severity_number=None if severity is None else SeverityNumber(severity),
        body=value_of(read["body"]),
        attributes=attributes_of(read["attributes"], read["dropped"]),
        event_name=read["event_name"],
    )
    # The constructor reads the current context, which here is the sender's.
    record.context = Context()
    record.trace_id, record.span_id = read["trace_id"], read["span_id"]
    record.trace_flags = TraceFlags(read["flags"])
    return record

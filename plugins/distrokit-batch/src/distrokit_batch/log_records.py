"""Copies of log records for the queue, at less cost than :mod:`copy` and the constructor of a frozen dataclass.

Only public classes and their public attributes are used; if a class has changed, it is copied the ordinary way.
Attributes are copied one by one: an object whose ``__dict__`` is copied takes more memory, and queues are long.
"""

from __future__ import annotations

import dataclasses
from copy import copy

from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

_NO_CONTEXT = Context()
_NO_RESOURCE = Resource.get_empty()
_API_FIELDS = {
    "timestamp", "observed_timestamp", "context", "trace_id", "span_id", "trace_flags", "severity_text",
    "severity_number", "body", "attributes", "event_name", "exception",
}  # fmt: skip
#: The number of attributes of a record of the API; 0 if they are not the expected ones.
_NUMBER = len(_API_FIELDS) if vars(LogRecord()).keys() == _API_FIELDS and not hasattr(LogRecord, "__copy__") else 0
#: True if the constructor of the SDK's class does nothing but set these attributes.
_SETS_ONLY = (
    [field.name for field in dataclasses.fields(ReadableLogRecord)]
    == ["log_record", "resource", "instrumentation_scope", "limits"]
    and not hasattr(ReadableLogRecord, "__post_init__")
    and "__slots__" not in vars(ReadableLogRecord)
)


def to_queued(log_record: ReadWriteLogRecord) -> ReadableLogRecord:
    """Return a copy that no other processor changes, without the context, which may keep a whole request alive."""
    record = log_record.log_record
    if type(record) is LogRecord and len(vars(record)) == _NUMBER:
        copied = object.__new__(LogRecord)
        copied.timestamp, copied.observed_timestamp = record.timestamp, record.observed_timestamp
        copied.trace_id, copied.span_id, copied.trace_flags = record.trace_id, record.span_id, record.trace_flags
        copied.severity_text, copied.severity_number = record.severity_text, record.severity_number
        copied.body, copied.attributes = record.body, record.attributes
        copied.event_name, copied.exception = record.event_name, record.exception
    else:
        copied = copy(record)
    copied.context = _NO_CONTEXT
    # The SDK sets it before it calls processors.
    resource = log_record.resource or _NO_RESOURCE
    if not _SETS_ONLY:
        return ReadableLogRecord(copied, resource, log_record.instrumentation_scope, log_record.limits)
    queued = object.__new__(ReadableLogRecord)
    # The class is frozen.
    fields = queued.__dict__
    fields["log_record"], fields["resource"] = copied, resource
    fields["instrumentation_scope"], fields["limits"] = log_record.instrumentation_scope, log_record.limits
    return queued

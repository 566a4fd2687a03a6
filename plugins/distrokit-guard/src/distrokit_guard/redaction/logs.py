"""Redacts log records of the SDK, in place: processors of logs share the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distrokit_guard.redaction.copies import change_attributes
from distrokit_guard.redaction.nested import REMOVED
from distrokit_guard.redaction.redactor import Redactor
from distrokit_guard.redaction.shared import SharedObjects

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord


class LogRedactor:
    """Removes secrets from log records.

    Args:
        redactor: of their attributes and texts.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._shared = SharedObjects(redactor)

    def __call__(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        redactor, log = self._redactor, record.log_record
        redactor.statistics.items += 1
        body = log.body
        if type(body) is str:
            log.body = redactor.text(body)
        elif body is not None:
            redacted = redactor.value(body)
            log.body = None if redacted is REMOVED else redacted
        before: Any = log.attributes
        if before:
            attributes = redactor.attributes(before)
            if attributes is not before:
                log.attributes = change_attributes(before, attributes)
                # Its texts are in the attributes; another processor may read them here.
                log.exception = None
        if log.event_name:
            log.event_name = redactor.optional_text(log.event_name)
        if log.severity_text:
            log.severity_text = redactor.optional_text(log.severity_text)
        if record.resource is not None:
            record.resource = self._shared.resource(record.resource)
        if record.instrumentation_scope is not None:
            record.instrumentation_scope = self._shared.scope(record.instrumentation_scope)
        return record

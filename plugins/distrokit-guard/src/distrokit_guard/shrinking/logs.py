"""Shrinks log records of the SDK, in place: processors of logs share the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distrokit_guard.redaction.copies import change_attributes
from distrokit_guard.shrinking.content import FIXED, Content
from distrokit_guard.shrinking.sizes import (
    ATTRIBUTE,
    CHARACTER,
    count_characters,
    is_surely_small,
    measure,
    measure_text,
)

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord

#: The parts of a record that are no attributes.
_TEXTS = ("body", "event_name", "severity_text")


class LogShrinker:
    """Makes log records at most so large.

    Args:
        limit: in bytes.
    """

    records_nothing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def __call__(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        log = record.log_record
        body, attributes = log.body, log.attributes
        names = count_characters(log.event_name or "") + count_characters(log.severity_text or "")
        left = self._limit - FIXED - CHARACTER * names
        left = is_surely_small({"": body}, left)
        if left >= 0:
            left = is_surely_small(attributes, left)
        if left < 0:
            most = self._limit + 1
            texts = {name: value for name in _TEXTS if (value := getattr(log, name)) is not None}
            before = FIXED + sum(
                measure(text, 1 << 62 if isinstance(text, str) else 64 * most) for text in texts.values()
            )
            before += sum(
                ATTRIBUTE + measure_text(str(k)) + measure(v, 64 * most) for k, v in (attributes or {}).items()
            )
            if before > self._limit:
                self._shrink(log, texts, before)
        return record

    def _shrink(self, log: Any, texts: dict[str, Any], before: int) -> None:
        content = Content(texts, log.attributes, self._limit)
        content.make_room([], [])
        attributes = content.fit(content.group)
        after = FIXED + sum(ATTRIBUTE + measure_text(key) + measure(v, self._limit) for key, v in attributes.items())
        for name, value in content.fit(content.texts).items():
            setattr(log, name, value)
            after += measure(value, self._limit)
        attributes.update(content.describe(before, after))
        log.attributes = change_attributes(log.attributes, attributes, content.group.dropped)

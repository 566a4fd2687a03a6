"""Shrinks finished spans of the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distrokit_guard.redaction.copies import copy_span, keep_dropped_attributes, keep_dropped_items
from distrokit_guard.shrinking.content import FIXED, PART, Content
from distrokit_guard.shrinking.sizes import (
    ATTRIBUTE,
    CHARACTER,
    count_characters,
    is_surely_small,
    measure,
    measure_text,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan

_NAME, _STATUS = "name", "status"
#: The name of an event among its attributes, none of which has this key.
_EVENT = "event name"
#: Larger than any item that fits into memory.
_ANY = 1 << 62


class SpanShrinker:
    """Returns spans that are at most so large, and the same object where it is.

    Args:
        limit: in bytes.
    """

    records_nothing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def __call__(self, span: ReadableSpan) -> ReadableSpan:
        left = is_surely_small(span.attributes, self._limit - FIXED - CHARACTER * count_characters(span.name))
        if span.status.description:
            left -= CHARACTER * count_characters(span.status.description)
        parts: tuple[Any, ...] = (*span.events, *span.links)
        for part in parts:
            if left < 0:
                break
            left = is_surely_small(
                part.attributes, left - PART - CHARACTER * count_characters(getattr(part, "name", ""))
            )
        if left >= 0:
            return span
        before = _measure(span)
        return self._shrink(span, before) if before > self._limit else span

    def _shrink(self, span: ReadableSpan, before: int) -> ReadableSpan:
        from opentelemetry.sdk.trace import Event
        from opentelemetry.trace import Link, Status

        texts = {_NAME: span.name, _STATUS: span.status.description or ""}
        content = Content(texts, span.attributes, self._limit)
        events = [content.add({**(event.attributes or {}), _EVENT: event.name}) for event in span.events]
        links = [content.add(link.attributes) for link in span.links]
        gone_events, gone_links = content.make_room(events, links)
        attributes, texts = content.fit(content.group), content.fit(content.texts)
        new_events = []
        for event, group in list(zip(span.events, events, strict=True))[gone_events:]:
            new_events.append(_make_event(Event, event, content.fit(group)))
        new_links = [
            Link(link.context, keep_dropped_attributes(content.fit(group), link.dropped_attributes))
            for link, group in list(zip(span.links, links, strict=True))[: len(links) - gone_links]
        ]
        status = Status(span.status.status_code, texts[_STATUS]) if texts[_STATUS] else span.status

        def copy(attributes: dict[str, Any]) -> ReadableSpan:
            return copy_span(
                span,
                name=texts[_NAME],
                attributes=keep_dropped_attributes(attributes, span.dropped_attributes + content.group.dropped),
                events=keep_dropped_items(new_events, span.dropped_events + gone_events),
                links=keep_dropped_items(new_links, span.dropped_links + gone_links),
                status=status,
            )

        shrunk = copy(attributes)
        return copy({**attributes, **content.describe(before, _measure(shrunk))})


def _make_event(kind: Any, event: Event, attributes: dict[str, Any]) -> Event:
    name = attributes.pop(_EVENT)
    made: Event = kind(name, keep_dropped_attributes(attributes, event.dropped_attributes), event.timestamp)
    return made


def _measure(span: ReadableSpan) -> int:
    total = FIXED + measure_text(span.name) + measure_text(span.status.description or "")
    parts: tuple[Any, ...] = (span, *span.events, *span.links)
    for attributes in (part.attributes for part in parts):
        total += sum(ATTRIBUTE + measure_text(key) + measure(value, _ANY) for key, value in (attributes or {}).items())
    return total + sum(PART + measure_text(event.name) for event in span.events) + PART * len(span.links)

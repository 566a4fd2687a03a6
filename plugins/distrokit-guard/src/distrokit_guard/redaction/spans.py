"""Redacts finished spans of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from distrokit_guard.redaction.copies import change_each, copy_span, keep_dropped_attributes, keep_dropped_items
from distrokit_guard.redaction.redactor import Redactor
from distrokit_guard.redaction.shared import SharedObjects

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link


class SpanRedactor:
    """Returns spans without secrets, and the same object where there is none.

    Args:
        redactor: of their attributes and texts.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor, self._statistics, self._known = redactor, redactor.statistics, redactor.known
        self._shared = SharedObjects(redactor)
        # Those of the last span, if they stay as they are.
        self._resource: Resource | None = None
        self._scope: InstrumentationScope | None = None

    def __call__(self, span: ReadableSpan) -> ReadableSpan:
        self._statistics.items += 1
        name, attributes = span.name, span.attributes
        redacted = self._redactor.attributes(attributes) if attributes else attributes
        # The usual case: a span with nothing but attributes, of the same library as the last one.
        if (
            redacted is attributes
            and type(name) is str
            and name in self._known
            and span.resource is self._resource
            and span.instrumentation_scope is self._scope
            and not span.events
            and not span.links
            and not span.status.description
        ):
            return span
        return self._redact(span, attributes, redacted)

    def _redact(self, span: ReadableSpan, before: Any, attributes: Any) -> ReadableSpan:
        """Return a span without secrets.

        Args:
            before, attributes: its attributes, and these without secrets.
        """
        redactor, name, resource, scope = self._redactor, span.name, span.resource, span.instrumentation_scope
        new_name, new_resource = redactor.text(name), self._shared.resource(resource)
        new_scope = self._shared.scope(scope) if scope is not None else None
        shared_stay = new_resource is resource and new_scope is scope
        if shared_stay:
            self._resource, self._scope = resource, scope
        is_same = attributes is before and new_name is name and shared_stay
        events: Sequence[Event] = span.events
        links: Sequence[Link] = span.links
        new_events, new_links, status = events, links, span.status
        if events or links:
            new_events, new_links = change_each(events, self._event), change_each(links, self._link)
            is_same = is_same and new_events is events and new_links is links
        if status.description:
            description = redactor.optional_text(status.description)
            if description is not status.description:
                is_same, status = False, _make_status(status, description)
        if is_same:
            return span
        return copy_span(
            span,
            name=new_name,
            resource=new_resource,
            attributes=keep_dropped_attributes(attributes, span.dropped_attributes),
            events=keep_dropped_items(new_events, span.dropped_events),
            links=keep_dropped_items(new_links, span.dropped_links),
            status=status,
            instrumentation_scope=new_scope,
        )

    def _event(self, event: Event) -> Event:
        name, before = self._redactor.text(event.name), event.attributes
        attributes = self._redactor.attributes(before) if before else before
        if attributes is before and name is event.name:
            return event
        from opentelemetry.sdk.trace import Event

        return Event(name, keep_dropped_attributes(attributes, event.dropped_attributes), event.timestamp)

    def _link(self, link: Link) -> Link:
        before = link.attributes
        attributes = self._redactor.attributes(before) if before else before
        if attributes is before:
            return link
        from opentelemetry.trace import Link

        return Link(link.context, keep_dropped_attributes(attributes, link.dropped_attributes))


def _make_status(status: Any, description: str | None) -> Any:
    from opentelemetry.trace import Status

    return Status(status.status_code, description)

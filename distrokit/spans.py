"""A finished span cannot be changed; one made of it can take its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def changed_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """The span with some of its parts exchanged, for a ``transform``.

    How many attributes, events and links the SDK had dropped of those that are exchanged is no longer known.

    Args:
        span: finished; it stays as it is.
        changes: parts of it, by the names that the public constructor of ``opentelemetry.sdk.trace.ReadableSpan`` has:
            ``name``, ``attributes``, ``events``, ``links``, ``kind``, ``status``, ``resource``, ``parent``,
            ``context``, ``start_time``, ``end_time`` (in nanoseconds since the epoch), ``instrumentation_scope``.

    Raises:
        TypeError: it takes no such part.
    """
    from opentelemetry.sdk.trace import ReadableSpan

    parts: dict[str, Any] = {
        "name": span.name,
        "context": span.context,
        "parent": span.parent,
        "resource": span.resource,
        "attributes": span.attributes,
        "events": span.events,
        "links": span.links,
        "kind": span.kind,
        "status": span.status,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "instrumentation_scope": span.instrumentation_scope,
    }
    return ReadableSpan(**{**parts, **changes})

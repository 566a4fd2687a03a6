"""Spans as JSON, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from distrokit_spool.payloads.attribute_values import attributes_of, plain_attributes
from distrokit_spool.payloads.origins import Origins, OriginsRead


def pieces(batch: Sequence[ReadableSpan]) -> Iterator[tuple[ReadableSpan, int]]:
    """Yield each span with its size in items."""
    return ((span, 1) for span in batch)


def plain(span: ReadableSpan, origins: Origins) -> Any:
    """Convert a span to JSON types. Raises what its values raise."""
    return {
        "resource": origins.resource(span.resource),
        "scope": origins.scope(span.instrumentation_scope),
        "name": span.name,
        "context": _plain_context(span.get_span_context()),
        "parent": _plain_context(span.parent),
        "kind": span.kind.name,
        "start": span.start_time,
        "end": span.end_time,
        "status": [span.status.status_code.name, span.status.description],
        "attributes": plain_attributes(span.attributes),
        "events": [
            [event.name, event.timestamp, plain_attributes(event.attributes), event.dropped_attributes]
            for event in span.events
        ],
        "links": [
            [_plain_context(link.context), plain_attributes(link.attributes), link.dropped_attributes]
            for link in span.links
        ],
        "dropped": [span.dropped_attributes, span.dropped_events, span.dropped_links],
    }


def batch(read: Sequence[Any], origins: OriginsRead) -> list[ReadableSpan]:
    """Convert a list of :func:`plain` results back."""
    return [_span(one, origins) for one in read]


def _span(read: Any, origins: OriginsRead) -> ReadableSpan:
    attributes, events, links = read["dropped"]
    code, description = read["status"]
    return ReadableSpan(
        name=read["name"],
        context=_context(read["context"]),
        parent=_context(read["parent"]),
        resource=origins.resource(read["resource"]),
        attributes=attributes_of(read["attributes"], attributes),
        events=_bounded_list([_event(*event) for event in read["events"]], events),
        links=_bounded_list([_link(*link) for link in read["links"]], links),
        kind=SpanKind[read["kind"]],
        status=Status(StatusCode[code], description),
        start_time=read["start"],
        end_time=read["end"],
        instrumentation_scope=origins.scope(read["scope"]),
    )


def _event(name: str, timestamp: int, attributes: Any, dropped: int) -> Event:
    return Event(name, attributes_of(attributes, dropped), timestamp)


def _link(context: Any, attributes: Any, dropped: int) -> Link:
    return Link(_context(context) or SpanContext(0, 0, is_remote=False), attributes_of(attributes, dropped))


def _bounded_list(things: list[Any], dropped: int) -> Sequence[Any]:
    """Return a list that knows how many items were dropped."""
    if not dropped:
        return things
    bounded = BoundedList.from_seq(len(things), things)
    bounded.dropped = dropped
    return bounded


def _plain_context(context: SpanContext | None) -> Any:
    if context is None:
        return None
    state = [[key, text] for key, text in context.trace_state.items()] if context.trace_state else []
    return [f"{context.trace_id:032x}", f"{context.span_id:016x}", context.is_remote, int(context.trace_flags), state]


def _context(read: Any) -> SpanContext | None:
    if read is None:
        return None
    trace_id, span_id, remote, flags, state = read
    return SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=remote,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState([(key, text) for key, text in state]),
    )

"""What a receiver got, as plain data; known here by its attributes, since the receiver is a plugin's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distrokit.testing.items import Event, Link, Log, Metric, Scope, Span


def spans_of(received: Iterable[Any]) -> list[Span]:
    """Spans, without their parents' names."""
    return [
        Span(
            name=span.name,
            kind=span.kind,
            attributes=span.attributes,
            scope=_scope(span),
            status=span.status,
            status_message=span.status_message,
            events=tuple(Event(event.name, event.attributes, event.time) for event in span.events),
            links=tuple(Link(link.attributes, link.trace_id, link.span_id) for link in span.links),
            resource=span.resource,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            start=span.start,
            end=span.end,
        )
        for span in received
    ]


def logs_of(received: Iterable[Any]) -> list[Log]:
    """Log records, without their spans' names."""
    return [
        Log(
            body=log.body,
            severity=log.severity,
            severity_number=log.severity_number,
            attributes=log.attributes,
            event_name=log.event_name,
            scope=_scope(log),
            resource=log.resource,
            trace_id=log.trace_id,
            span_id=log.span_id,
            time=log.time,
        )
        for log in received
    ]


def points_of(received: Iterable[Any]) -> list[Metric]:
    """Every point."""
    return [
        Metric(
            name=point.name,
            kind=point.kind,
            value=point.value,
            attributes=point.attributes,
            unit=point.unit,
            description=point.description,
            scope=_scope(point),
            count=point.count,
            temporality=point.temporality,
            monotonic=point.monotonic,
            bounds=point.bounds,
            buckets=point.buckets,
            minimum=point.minimum,
            maximum=point.maximum,
            resource=point.resource,
            exemplars=point.exemplars,
        )
        for point in received
    ]


def _scope(item: Any) -> Scope:
    return Scope(item.scope.name, item.scope.version)

"""What a receiver got, as plain data; known here by its attributes, since the receiver is a plugin's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from distrokit.testing.items import Event, Link, Log, Metric, Scope, Span

#: What an item says of another one by its name: found when all are there.
_BY_NAME = ("parent", "span")

T = TypeVar("T", Event, Link, Log, Metric, Span)


def spans_of(received: Iterable[Any]) -> list[Span]:
    """Spans, without their parents' names."""
    return [
        _copied(
            Span,
            span,
            scope=_scope(span),
            events=tuple(_copied(Event, event) for event in span.events),
            links=tuple(_copied(Link, link) for link in span.links),
        )
        for span in received
    ]


def logs_of(received: Iterable[Any]) -> list[Log]:
    """Log records, without their spans' names."""
    return [_copied(Log, log, scope=_scope(log)) for log in received]


def points_of(received: Iterable[Any]) -> list[Metric]:
    """Every point."""
    return [_copied(Metric, point, scope=_scope(point)) for point in received]


def _copied(kind: type[T], item: Any, **made: Any) -> T:
    """One of ours with what the receiver's calls by the same names."""
    names = [field.name for field in fields(kind) if field.name not in (*made, *_BY_NAME)]
    return kind(**{name: getattr(item, name) for name in names}, **made)


def _scope(item: Any) -> Scope:
    return Scope(item.scope.name, item.scope.version)

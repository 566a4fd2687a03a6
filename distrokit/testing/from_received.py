"""Converts a receiver's items to plain data; duck-typed, because the receiver belongs to a plugin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from distrokit.testing.items import Event, Link, Log, Metric, Scope, Span

#: Fields with the name of another item, filled in when all items are known.
_BY_NAME = ("parent", "span")

T = TypeVar("T", Event, Link, Log, Metric, Span)


def spans_of(received: Iterable[Any]) -> list[Span]:
    """Convert spans; their parents' names are filled in later."""
    return [
        _copy(
            Span,
            span,
            scope=_scope(span),
            events=tuple(_copy(Event, event) for event in span.events),
            links=tuple(_copy(Link, link) for link in span.links),
        )
        for span in received
    ]


def logs_of(received: Iterable[Any]) -> list[Log]:
    """Convert log records; their spans' names are filled in later."""
    return [_copy(Log, log, scope=_scope(log)) for log in received]


def points_of(received: Iterable[Any]) -> list[Metric]:
    """Convert data points."""
    return [_copy(Metric, point, scope=_scope(point)) for point in received]


def _copy(kind: type[T], item: Any, **made: Any) -> T:
    """Make an item from the attributes of the same names."""
    names = [field.name for field in fields(kind) if field.name not in (*made, *_BY_NAME)]
    return kind(**{name: getattr(item, name) for name in names}, **made)


def _scope(item: Any) -> Scope:
    return Scope(item.scope.name, item.scope.version)

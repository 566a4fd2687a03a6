"""A finished span cannot be changed; one made of it can take its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def replace_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """The span with some of its parts exchanged, for a ``transform``.

    How many attributes, events and links the SDK had dropped of those that are exchanged is no longer known.

    Args:
        span: finished; it stays as it is.
        changes: parts of it, by the names that the public constructor of ``opentelemetry.sdk.trace.ReadableSpan`` has:
            ``name``, ``attributes``, ``events``, ``links``, ``kind``, ``status``, ``resource``, ``parent``,
            ``context``, ``start_time``, ``end_time`` (in nanoseconds since the epoch), ``instrumentation_scope``.

    Raises:
        TypeError, ValueError: it takes no such part, or not with this value; the message names the part. So the
            transform is told of it, and not later the exporter.
    """
    from opentelemetry.sdk.trace import ReadableSpan

    _check(changes)
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


def _check(changes: Mapping[str, Any]) -> None:
    """Refuse what no exporter could encode; names that there are not, the constructor refuses."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import EventBase
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status

    kinds: dict[str, Any] = {
        "name": str,
        "context": SpanContext,
        "parent": (SpanContext, type(None)),
        "resource": Resource,
        "attributes": (Mapping, type(None)),
        "events": Sequence,
        "links": Sequence,
        "kind": SpanKind,
        "status": Status,
        "start_time": int,
        "end_time": int,
        "instrumentation_scope": (InstrumentationScope, type(None)),
    }
    for name, value in changes.items():
        if name in kinds and (not isinstance(value, kinds[name]) or isinstance(value, bool)):
            raise TypeError(f"{name} is {_named(kinds[name])}, not {type(value).__name__}")
    for name in ("start_time", "end_time"):
        if not 0 <= changes.get(name, 0) < _TOO_LATE:
            raise ValueError(f"{name} is in nanoseconds since the epoch, not {changes[name]}")
    _check_attributes("attributes", changes.get("attributes"))
    for name, kind in (("events", EventBase), ("links", Link)):
        for item in changes.get(name, ()):
            if not isinstance(item, kind):
                raise TypeError(f"{name} are of {kind.__name__}, not of {type(item).__name__}")
            _check_attributes(f"attributes of {name}", item.attributes)


#: Of the 64 bits that OTLP has for a time.
_TOO_LATE = 1 << 64
#: Of the 64 bits, with a sign, that it has for an integer.
_TOO_LARGE = 1 << 63


def _named(kinds: Any) -> str:
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in several)


def _check_attributes(where: str, attributes: Mapping[Any, Any] | None) -> None:
    for key, value in (attributes or {}).items():
        if not isinstance(key, str):
            raise TypeError(f"{where}: the key {key!r} is {type(key).__name__}, not str")
        _check_value(f"{where}: {key!r}", value, ())


def _check_value(where: str, value: Any, inside: tuple[int, ...]) -> None:
    """An attribute's value, as the SDK takes it from the application."""
    if value is None or isinstance(value, (str, bytes, bool, float)):
        return
    if isinstance(value, int):
        if not -_TOO_LARGE <= value < _TOO_LARGE:
            raise ValueError(f"{where} has more than 64 bits")
    elif isinstance(value, (Mapping, Sequence)):
        if id(value) in inside:
            raise ValueError(f"{where} contains itself")
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_value(where, item, (*inside, id(value)))
    else:
        raise TypeError(f"{where} is {type(value).__name__}, which is no value of an attribute")

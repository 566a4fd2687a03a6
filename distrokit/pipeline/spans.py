"""Makes a changed copy of a finished span, which itself cannot be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def replace_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """Return a copy of a finished span with some parts replaced, for a ``transform``.

    If attributes, events or links are replaced, the copy does not have their number of dropped items.

    Args:
        span: finished; it is not modified.
        changes: new parts, by the argument names of the public constructor of ``opentelemetry.sdk.trace.ReadableSpan``:
            ``name``, ``attributes``, ``events``, ``links``, ``kind``, ``status``, ``resource``, ``parent``,
            ``context``, ``start_time``, ``end_time`` (in nanoseconds since the epoch), ``instrumentation_scope``.

    Raises:
        TypeError, ValueError: a span has no such part, or the value is not valid for it; the message names the part.
            So the error is raised in the transform, and not later in the exporter.
    """
    _check(changes)
    return copy_span(span, **changes)


def copy_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """Return the same as :func:`replace_span`, without a check of the new parts."""
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


def _check(changes: Mapping[str, Any]) -> None:
    """Raise for values that no exporter can encode; the constructor raises for unknown names."""
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
            raise TypeError(f"{name} must be {_type_names(kinds[name])}, not {type(value).__name__}")
    for name in ("start_time", "end_time"):
        if not 0 <= changes.get(name, 0) < _TIME_LIMIT:
            raise ValueError(f"{name} must be nanoseconds since the epoch, not {changes[name]}")
    _check_attributes("attributes", changes.get("attributes"))
    for name, kind in (("events", EventBase), ("links", Link)):
        for item in changes.get(name, ()):
            if not isinstance(item, kind):
                raise TypeError(f"{name} must be of {kind.__name__}, not of {type(item).__name__}")
            _check_attributes(f"attributes of {name}", item.attributes)


#: OTLP has 64 bits for a time.
_TIME_LIMIT = 1 << 64
#: OTLP has 64 bits, with a sign, for an integer.
_INTEGER_LIMIT = 1 << 63


def _type_names(kinds: Any) -> str:
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in several)


def _check_attributes(where: str, attributes: Mapping[Any, Any] | None) -> None:
    for key, value in (attributes or {}).items():
        if not isinstance(key, str):
            raise TypeError(f"{where}: the key {key!r} is {type(key).__name__}, not str")
        _check_value(f"{where}: {key!r}", value, ())


def _check_value(where: str, value: Any, inside: tuple[int, ...]) -> None:
    """Raise unless the SDK accepts this value of an attribute from an application."""
    if value is None or isinstance(value, (str, bytes, bool, float)):
        return
    if isinstance(value, int):
        if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
            raise ValueError(f"{where} has more than 64 bits")
    elif isinstance(value, (Mapping, Sequence)):
        if id(value) in inside:
            raise ValueError(f"{where} contains itself")
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_value(where, item, (*inside, id(value)))
    else:
        raise TypeError(f"{where} is {type(value).__name__}, which is not valid for an attribute")

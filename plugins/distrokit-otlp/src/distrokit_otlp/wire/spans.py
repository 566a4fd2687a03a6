"""Spans as an OTLP request (``trace.proto``), from the SDK's ``ReadableSpan``."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import SpanKind

from distrokit_otlp.wire.format import count_field, delimited, varint
from distrokit_otlp.wire.repairs import Place, Repairs
from distrokit_otlp.wire.scopes import Groups, Scopes
from distrokit_otlp.wire.values import Attributes, Names, Values

#: Start and end, which nearly all spans have.
_TIMES = struct.Struct("<BQBQ").pack
_START, _END = 0x39, 0x41
#: ``SpanFlags``: whether the parent is remote is known; and it is.
_FLAGS = {False: b"\x85\x01\x00\x01\x00\x00", True: b"\x85\x01\x00\x03\x00\x00"}
_LINK_FLAGS = {False: b"\x35\x00\x01\x00\x00", True: b"\x35\x00\x03\x00\x00"}
#: The status of most spans: unset, and nothing to say.
_NO_STATUS = b"\x7a\x00"
_TIME = Place("a span's time")


class SpanWriter:
    """Writes requests of spans.

    Args:
        repairs: for values that cannot be sent.
    """

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs
        values = Values(repairs)
        self._scopes = Scopes(repairs, values)
        self._attributes, self._event_attributes = Attributes(values, b"\x4a"), Attributes(values, b"\x1a")
        self._link_attributes = Attributes(values, b"\x22")
        self._names, self._event_names = Names(repairs, b"\x2a", "a span's name"), Names(repairs, b"\x12", "an event's")
        self._states = Names(repairs, b"\x1a", "a trace state")
        self._descriptions = Names(repairs, b"\x12", "a status description")
        # The status object of most spans is the same one.
        self._not_set: Any = self

    def __call__(self, spans: Sequence[Any]) -> bytes:
        """Return a request."""
        groups = Groups(self._scopes)
        for span in spans:
            groups.of(span.resource, span.instrumentation_scope).append(self._span(span))
        return groups.write(b"\x12")

    def _span(self, span: Any) -> bytes:
        context, parent = span.get_span_context(), span.parent
        parts = [b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")]
        out = parts.append
        if context.trace_state:
            out(self._state(context.trace_state))
        if parent:
            out(b"\x22\x08")
            out(parent.span_id.to_bytes(8, "big"))
        out(self._names.write(span.name))
        out(_kind(span.kind))
        out(self._times(span.start_time, span.end_time))
        self._attributes.write(span.attributes, out)
        out(count_field(b"\x50", span.dropped_attributes))
        events = span.events
        if events:
            self._events(events, out)
        out(count_field(b"\x60", span.dropped_events))
        links = span.links
        if links:
            self._links(links, out)
        out(count_field(b"\x70", span.dropped_links))
        out(self._status(span.status))
        out(_FLAGS[bool(parent and parent.is_remote)])
        return b"".join(parts)

    def _times(self, start: Any, end: Any) -> bytes:
        # Zero is the default, which is not written; `pack` refuses what is no number of 64 bits.
        try:
            if start and end:
                return _TIMES(_START, start, _END, end)
        except struct.error:
            # It is repaired.
            pass
        return self._repairs.time(b"\x39", start, _TIME) + self._repairs.time(b"\x41", end, _TIME)

    def _state(self, state: Any) -> bytes:
        return self._states.write(",".join([f"{key}={value}" for key, value in state.items()]))

    def _events(self, events: Sequence[Any], out: Any) -> None:
        for event in events:
            parts = [self._repairs.time(b"\x09", event.timestamp, _TIME), self._event_names.write(event.name)]
            self._event_attributes.write(event.attributes, parts.append)
            parts.append(count_field(b"\x20", event.dropped_attributes))
            out(delimited(b"\x5a", b"".join(parts)))

    def _links(self, links: Sequence[Any], out: Any) -> None:
        for link in links:
            context = link.context
            parts = [b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")]
            self._link_attributes.write(link.attributes, parts.append)
            parts.append(count_field(b"\x28", link.dropped_attributes))
            parts.append(_LINK_FLAGS[bool(context.is_remote)])
            out(delimited(b"\x6a", b"".join(parts)))

    def _status(self, status: Any) -> bytes:
        if status is self._not_set:
            return _NO_STATUS
        if status is None:
            return b""
        code = status.status_code.value
        if not code and not status.description:
            self._not_set = status
            return _NO_STATUS
        return delimited(
            b"\x7a", self._descriptions.write(status.description) + (b"\x18" + varint(code) if code else b"")
        )


def _kind(kind: Any) -> bytes:
    """Return the field of a kind; OTLP counts from 1."""
    known = _KINDS.get(id(kind))
    if known is not None:
        return known
    value = getattr(kind, "value", None)
    return b"\x30" + varint(value + 1) if isinstance(value, int) and 0 <= value <= 4 else b""


#: By identity: the hash of a member of an enumeration is computed in Python.
_KINDS = {id(kind): b"\x30" + varint(kind.value + 1) for kind in SpanKind}

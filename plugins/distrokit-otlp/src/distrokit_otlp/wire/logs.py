"""Log records as an OTLP request (``logs.proto``), from the SDK's ``ReadableLogRecord``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distrokit_otlp.wire.format import FIXED32, FIXED64, LARGEST_32, LARGEST_64, count_field, delimited, varint
from distrokit_otlp.wire.repairs import Place, Repairs
from distrokit_otlp.wire.scopes import Groups, Scopes
from distrokit_otlp.wire.values import Attributes, Names, Values

#: The number of severities that are kept; OpenTelemetry has 25.
_KNOWN = 64
_TIME = Place("the time of a log record")
_BODY = Place("the body of a log record")


class LogWriter:
    """Writes requests of log records.

    Args:
        repairs: for values that cannot be sent.
    """

    def __init__(self, repairs: Repairs) -> None:
        self._repairs, self._values = repairs, Values(repairs)
        self._scopes = Scopes(repairs, self._values)
        self._attributes = Attributes(self._values, b"\x32")
        self._severities = Names(repairs, b"\x1a", "a severity")
        self._events = Names(repairs, b"\x62", "the name of a log record's event")
        # By the identity of the number: itself, the text that came with it last, and their fields. By identity, since
        # an enumeration's hash and its `value` are functions in Python.
        self._known: dict[int, tuple[Any, Any, bytes]] = {}

    def __call__(self, batch: Sequence[Any]) -> bytes:
        """Return a request."""
        groups = Groups(self._scopes)
        for record in batch:
            groups.of(record.resource, record.instrumentation_scope).append(self._record(record))
        return groups.write(b"\x12")

    # The usual values are written here, since a call for each would take as long as writing it.
    def _record(self, readable: Any) -> bytes:
        record = readable.log_record
        time, observed, body, number = record.timestamp, record.observed_timestamp, record.body, record.severity_number
        known = self._known.get(id(number))
        if known is not None and known[0] is number and known[1] is record.severity_text:
            severity = known[2]
        else:
            severity = self._severity(number, record.severity_text)
        parts = [
            b"\x09" + FIXED64(time)
            if type(time) is int and 0 < time <= LARGEST_64
            else self._repairs.time(b"\x09", time, _TIME),
            severity,
        ]
        out = parts.append
        if type(body) is str:
            text = self._values.text(body, _BODY)
            head = b"\x0a" + varint(len(text))
            out(b"\x2a" + varint(len(head) + len(text)) + head + text)
        else:
            out(delimited(b"\x2a", self._values.value(body, _BODY)))
        self._attributes.write(record.attributes, out)
        dropped = readable.dropped_attributes
        if dropped:
            out(count_field(b"\x38", dropped))
        flags = record.trace_flags
        if flags:
            flags = int(flags) & LARGEST_32
            if flags:
                out(b"\x45" + FIXED32(flags))
        if record.trace_id:
            out(b"\x4a\x10" + record.trace_id.to_bytes(16, "big"))
        if record.span_id:
            out(b"\x52\x08" + record.span_id.to_bytes(8, "big"))
        if type(observed) is int and 0 < observed <= LARGEST_64:
            out(b"\x59" + FIXED64(observed))
        else:
            out(self._repairs.time(b"\x59", observed, _TIME))
        if record.event_name is not None:
            out(self._events.write(record.event_name))
        return b"".join(parts)

    def _severity(self, number: Any, text: Any) -> bytes:
        """Return the fields of a severity's number and text, and keep them."""
        value = getattr(number, "value", None)
        fields = b"\x10" + varint(value) if isinstance(value, int) and value > 0 else b""
        fields += self._severities.write(text)
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[id(number)] = number, text, fields
        return fields

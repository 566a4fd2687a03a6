"""Log records as an OTLP request (``logs.proto``), from the SDK's ``ReadableLogRecord``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distrokit_otlp.wire.format import FIXED32, LARGEST_32, count_field, delimited, varint
from distrokit_otlp.wire.repairs import Place, Repairs
from distrokit_otlp.wire.scopes import Groups, Scopes
from distrokit_otlp.wire.values import Attributes, Names, Values

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

    def __call__(self, batch: Sequence[Any]) -> bytes:
        """Return a request."""
        groups = Groups(self._scopes)
        for record in batch:
            groups.of(record.resource, record.instrumentation_scope).append(self._record(record))
        return groups.write(b"\x12")

    def _record(self, readable: Any) -> bytes:
        record = readable.log_record
        number = getattr(record.severity_number, "value", None)
        parts = [
            self._repairs.time(b"\x09", record.timestamp, _TIME),
            b"\x10" + varint(number) if isinstance(number, int) and number > 0 else b"",
            self._severities.write(record.severity_text),
            delimited(b"\x2a", self._values.value(record.body, _BODY)),
        ]
        out = parts.append
        self._attributes.write(record.attributes, out)
        out(count_field(b"\x38", readable.dropped_attributes))
        flags = int(record.trace_flags or 0) & LARGEST_32
        if flags:
            out(b"\x45" + FIXED32(flags))
        if record.trace_id:
            out(b"\x4a\x10" + record.trace_id.to_bytes(16, "big"))
        if record.span_id:
            out(b"\x52\x08" + record.span_id.to_bytes(8, "big"))
        out(self._repairs.time(b"\x59", record.observed_timestamp, _TIME))
        out(self._events.write(record.event_name))
        return b"".join(parts)

"""Turns requests in protobuf's wire format, as the writers of this package make them, into OTLP's JSON.

So one walk over the items, and one set of repairs, serves both encodings.
"""

from __future__ import annotations

from typing import Any

from distrokit_otlp.protobuf_reader import BYTES, FIXED64, VARINT, read_varint
from distrokit_otlp.wire.json_fields import MESSAGES, Kind, Many

#: The number of attributes whose JSON is kept, and their length in bytes of protobuf.
_KNOWN, _LONGEST = 2048, 256
#: The text before the first value, the text after the last one, and what writes a value: a function, or the fields of
#: the message that the value is.
_Field = tuple[str, str, Any, "_Fields | None"]
#: By tag, which is a field's number and wire type in one number.
_Fields = dict[int, _Field]


class JsonForm:
    """Returns requests as compact JSON in UTF-8.

    Args:
        message: the name of the request in :data:`~distrokit_otlp.wire.json_fields.MESSAGES`.
    """

    def __init__(self, message: str) -> None:
        messages: dict[str, _Fields] = {name: {} for name in MESSAGES}
        self._known = {name: _Known(fields) for name, fields in messages.items()}
        for name, fields in messages.items():
            for number, (label, kind) in MESSAGES[name].items():
                wire_type = kind.wire_type if isinstance(kind, Kind) else BYTES
                fields[number << 3 | wire_type] = self._compile_field(label, kind, messages)
        self._fields = messages[message]

    def __call__(self, data: bytes) -> bytes:
        """Return the JSON of a request."""
        return _write_message(data, self._fields).encode()

    def _compile_field(self, label: str, kind: Kind | Many | str, messages: dict[str, _Fields]) -> _Field:
        if isinstance(kind, Kind):
            return f'"{label}":', ",", kind.write, None
        if isinstance(kind, str):
            return f'"{label}":', ",", None, messages[kind]
        if kind.recurring:
            return f'"{label}":[', "],", self._known[kind.message].__getitem__, None
        return f'"{label}":[', "],", None, messages[kind.message]


class _Known(dict[bytes, str]):
    """The JSON of messages that recur, by their bytes.

    Args:
        fields: of the message.
    """

    def __init__(self, fields: _Fields) -> None:
        super().__init__()
        self._fields = fields

    def __missing__(self, data: bytes) -> str:
        text = _write_message(data, self._fields)
        if len(data) <= _LONGEST:
            if len(self) >= _KNOWN:
                # Values that never repeat, such as ids; those that do are here again soon.
                self.clear()
            self[data] = text
        return text


def _write_message(data: bytes, fields: _Fields) -> str:
    """Return the JSON of a message; the values of a repeated field follow each other in it.

    The loop has a stack of its own, so that no value that a writer accepts is nested too deeply here.
    """
    parts = ["{"]
    out = parts.append
    # Of each outer message: its end, its fields, and the tag and the text after the field that the inner one is in.
    outer: list[tuple[int, _Fields, int, str]] = []
    place, end, last, after = 0, len(data), 0, ""
    while True:
        if place == end:
            out("]}" if after == "]," else "}")
            if not outer:
                return "".join(parts)
            end, fields, last, after = outer.pop()
            continue
        tag = data[place]
        place += 1
        if tag > 0x7F:
            tag, place = read_varint(data, place - 1)
        before, closing, write, inner = fields[tag]
        if tag == last:
            out(",")
        else:
            out(after + before)
            last, after = tag, closing
        wire_type = tag & 7
        if wire_type == VARINT:
            value, place = read_varint(data, place)
            out(write(value))
            continue
        if wire_type == BYTES:
            size = data[place]
            place += 1
            if size > 0x7F:
                size, place = read_varint(data, place - 1)
            if inner is not None:
                outer.append((end, fields, last, after))
                end, fields, last, after = place + size, inner, 0, ""
                out("{")
                continue
        else:
            size = 8 if wire_type == FIXED64 else 4
        out(write(data[place : place + size]))
        place += size

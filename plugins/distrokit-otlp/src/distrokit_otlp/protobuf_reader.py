"""Reads the few messages of a receiver's responses from protobuf's wire format (protobuf, *Encoding*)."""

from __future__ import annotations

from collections.abc import Iterator

#: Wire types.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_RETRY_INFO = b"google.rpc.RetryInfo"

Value = int | bytes


def read_fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field of a message. Raises ``ValueError`` for bytes that are no message."""
    place = 0
    while place < len(data):
        key, place = read_varint(data, place)
        number, kind = key >> 3, key & 7
        if not number:
            raise ValueError("a field has the number 0")
        if kind == VARINT:
            value, place = read_varint(data, place)
            yield number, value
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            raise ValueError(f"wire type {kind}")
        length = {FIXED64: 8, FIXED32: 4}.get(kind, 0)
        if kind == BYTES:
            length, place = read_varint(data, place)
        if place + length > len(data):
            raise ValueError("the message is cut")
        yield number, data[place : place + length]
        place += length


def read_export_response(data: bytes, *, strict: bool = False) -> tuple[int, str]:
    """Return the number of rejected items and the message of an OTLP response (OTLP, "Partial Success").

    Args:
        data: the message.
        strict: refuse fields that the message does not have today, as other content has them.

    Raises: ``ValueError`` for bytes that are no such response.
    """
    rejected, text = 0, ""
    for number, value in read_fields(data):
        if number != 1 or not isinstance(value, bytes):
            if strict or number == 1:
                raise ValueError("not an OTLP response")
            continue
        for inner, field in read_fields(value):
            if inner == 1 and isinstance(field, int):
                # A negative number is sent as one of 64 bits.
                rejected = field if field < 1 << 63 else 0
            elif inner == 2 and isinstance(field, bytes):
                text = field.decode("utf-8", "replace")
            elif strict or inner in (1, 2):
                raise ValueError("not an OTLP response")
    return rejected, text


def read_status(data: bytes) -> tuple[str, float | None]:
    """Return the message of a ``google.rpc.Status``, and the delay of its ``RetryInfo`` in seconds, ``None`` without.

    Raises: ``ValueError`` for bytes that are no message.
    """
    text, delay = "", None
    for number, value in read_fields(data):
        if number == 2 and isinstance(value, bytes):
            text = value.decode("utf-8", "replace")
        elif number == 3 and isinstance(value, bytes):
            detail = dict(read_fields(value))
            kind, inner = detail.get(1), detail.get(2, b"")
            if isinstance(kind, bytes) and kind.endswith(_RETRY_INFO) and isinstance(inner, bytes):
                delay = read_retry_info(inner)
    return text, delay


def read_retry_info(data: bytes) -> float:
    """Return the delay of a ``google.rpc.RetryInfo`` in seconds. Raises ``ValueError``."""
    duration = dict(read_fields(data)).get(1, b"")
    parts = dict(read_fields(duration)) if isinstance(duration, bytes) else {}
    seconds, nanos = (_signed(parts.get(number, 0)) for number in (1, 2))
    return max(0.0, seconds + nanos / 1e9)


def _signed(value: Value) -> int:
    if isinstance(value, bytes):
        return 0
    return value - (1 << 64) if value >= 1 << 63 else value


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, from 0 to 2**64 - 1, and the place after it. Raises ``ValueError``."""
    value = shift = 0
    while place < len(data):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than ten bytes")
    raise ValueError("the message is cut")

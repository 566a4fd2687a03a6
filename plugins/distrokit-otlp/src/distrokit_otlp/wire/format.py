"""Numbers and lengths of protobuf's wire format (protobuf, *Encoding*)."""

from __future__ import annotations

import struct

_TABLED = 4096
#: Packs a double, an unsigned and a signed number of 64 bits, and an unsigned one of 32.
DOUBLE, FIXED64, SFIXED64, FIXED32 = (struct.Struct(form).pack for form in ("<d", "<Q", "<q", "<I"))
#: The largest unsigned numbers of 64 and 32 bits; the smallest and the largest signed one of 64.
LARGEST_64, LARGEST_32 = (1 << 64) - 1, (1 << 32) - 1
SMALLEST_SIGNED, LARGEST_SIGNED = -(1 << 63), (1 << 63) - 1


def _make_varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_VARINTS = tuple(_make_varint(number) for number in range(_TABLED))


def varint(number: int) -> bytes:
    """Return a number from 0 to 2**64 - 1, with seven bits a byte."""
    return _VARINTS[number] if number < _TABLED else _make_varint(number)


def signed_varint(number: int) -> bytes:
    """Return a number of 64 bits; a negative one has ten bytes."""
    return varint(number if number >= 0 else number + (1 << 64))


def zigzag(number: int) -> bytes:
    """Return a signed number so that small negative ones are short."""
    return varint((number << 1) ^ (number >> 63) if number < 0 else number << 1)


def delimited(tag: bytes, content: bytes) -> bytes:
    """Return a field with its length: a message, a text, bytes, or packed numbers."""
    return tag + varint(len(content)) + content


def count_field(tag: bytes, number: object) -> bytes:
    """Return a field with an unsigned number of 32 bits, into which any other number is forced; empty for zero."""
    if not number:
        return b""
    return tag + varint(min(max(number, 0), LARGEST_32) if isinstance(number, int) else 0)

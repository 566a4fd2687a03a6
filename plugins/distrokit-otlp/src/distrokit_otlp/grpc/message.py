"""The framing of grpc messages (grpc, *gRPC over HTTP2*)."""

from __future__ import annotations

import struct
import zlib

from distrokit_otlp.compression import COMPRESS

#: A flag for compression, and the length in bytes.
_PREFIX = struct.Struct(">BI")
#: Size of a response in bytes, compressed or not, as grpc's own limit. A receiver's response has a few dozen.
LARGEST_RESPONSE = 4 * 1024 * 1024


def frame(message: bytes, compression: str) -> bytes:
    """Return a message with its prefix, compressed with ``gzip`` or ``none``."""
    data = COMPRESS[compression](message)
    return _PREFIX.pack(int(compression != "none"), len(data)) + data


def unframe(data: bytes) -> bytes:
    """Return the one message of a response; empty when there is none.

    Raises: ``ValueError`` for data that is no message.
    """
    if not data:
        return b""
    if len(data) < _PREFIX.size:
        raise ValueError("the response is cut")
    compressed, length = _PREFIX.unpack_from(data)
    message = data[_PREFIX.size :]
    if len(message) != length:
        raise ValueError("the response is cut")
    if not compressed:
        return message
    try:
        # Also what no one asked for; it may expand a thousandfold.
        plain = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(message, LARGEST_RESPONSE + 1)
    except zlib.error as error:
        raise ValueError(f"the response cannot be decompressed: {error}") from error
    if len(plain) > LARGEST_RESPONSE:
        raise ValueError("the response is too large")
    return plain

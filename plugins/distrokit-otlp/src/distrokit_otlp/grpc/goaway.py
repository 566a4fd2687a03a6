"""Takes GOAWAY frames out of what a receiver sends (RFC 9113, 6.8).

``h2`` ends a connection with the first GOAWAY. A receiver that ends its connections at a certain age sends GOAWAY, and
then the responses to the streams that it has begun with.
"""

from __future__ import annotations

_HEAD, _GOAWAY = 9, 7
#: The largest frame that a receiver may send by our settings; ``h2`` refuses larger ones.
_LARGEST = 16_384


class GoAwayFilter:
    """Splits a stream of bytes into frames.

    Attributes:
        last_stream: the last stream that the receiver will process; ``None`` until it sends GOAWAY.
        error: the error code of GOAWAY; 0 for none.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.last_stream: int | None = None
        self.error = 0

    def feed(self, data: bytes) -> bytes:
        """Return the complete frames so far but for GOAWAY, in order."""
        buffer = self._buffer
        buffer += data
        place, begin, kept = 0, 0, bytearray()
        while len(buffer) - place >= _HEAD:
            length = int.from_bytes(buffer[place : place + 3], "big")
            if length > _LARGEST:
                # Not HTTP/2, or broken: left to h2.
                place = len(buffer)
                break
            end = place + _HEAD + length
            if end > len(buffer):
                break
            if buffer[place + 3] == _GOAWAY:
                kept += buffer[begin:place]
                begin = end
                self.last_stream = int.from_bytes(buffer[place + 9 : place + 13], "big") & 0x7FFF_FFFF
                self.error = int.from_bytes(buffer[place + 13 : place + 17], "big")
            place = end
        kept += buffer[begin:place]
        del buffer[:place]
        return bytes(kept)

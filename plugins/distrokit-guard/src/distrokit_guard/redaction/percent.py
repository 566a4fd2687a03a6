"""Percent-encoding (RFC 3986, section 2.1): a text without it, and the places of its characters."""

from __future__ import annotations

import re

#: An escape; two hexadecimal digits make one byte, which counts as one character.
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


class DecodedText:
    """A text with its escapes decoded once.

    Args:
        encoded: the text.

    Attributes:
        text: the same without escapes; a character beyond ASCII is several characters of Latin-1.
    """

    def __init__(self, encoded: str) -> None:
        pieces: list[str] = []
        # For each decoded character, its place in the encoded text.
        self._places: list[int] = []
        place = 0
        for found in ESCAPE.finditer(encoded):
            pieces += (encoded[place : found.start()], chr(int(found[1], 16)))
            self._places += range(place, found.start() + 1)
            place = found.end()
        pieces.append(encoded[place:])
        self._places += range(place, len(encoded) + 1)
        self.text = "".join(pieces)

    def find_encoded(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the encoded text of a place in :attr:`text`."""
        return self._places[start], self._places[end]

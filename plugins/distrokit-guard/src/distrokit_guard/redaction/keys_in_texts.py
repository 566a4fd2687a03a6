"""Finds the values of redacted keys inside a text: JSON in the middle of a message, or printed mappings of Python.

A text that is JSON as a whole is parsed instead (:mod:`~distrokit_guard.redaction.json_texts`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

# A key in quotes and a colon, then the quote of the value. Quotes may be escaped, in JSON inside JSON. A text of Python
# may have a prefix.
_KEY = re.compile(r"[\"'](?P<key>[^\"'\\]{1,128})\\{0,8}[\"']\s*:\s*(?:[bBrRuU]{0,2}(?P<quote>\\{0,8}[\"']))?")
_IN_QUOTES = {
    '"': re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL),
    "'": re.compile(r"[^'\\]*(?:\\.[^'\\]*)*", re.DOTALL),
}
#: A value whose end is certain: a number or a constant with the end of an entry, of a mapping or of a text behind it.
_BARE = re.compile(r"(?:[+-]?[0-9][0-9a-fA-F.xX_+-]*|[Tt]rue|[Ff]alse|null|None)(?=\s*(?:[,}\])\"'\\]|\Z))")
#: There is no value: a placeholder was removed.
_NOTHING = frozenset({"", ",", "}", "]", ")"})
_decode = json.JSONDecoder().raw_decode


def find_keyed_values(
    text: str, is_redacted: Callable[[str], object], end_of_placeholder: Callable[[str, int], int]
) -> Iterator[tuple[int, int]]:
    """Yield the places of values; a value whose end is not in the text lasts to its end.

    Args:
        is_redacted: tells whether the value of a key is redacted.
        end_of_placeholder: returns the end of a placeholder that begins at a place, or 0.
    """
    found = _KEY.search(text)
    while found:
        # The closing quote may open a key, as in {'a': 'b': ...}.
        place = found.end() if found["quote"] is None else found.end() - 1
        if is_redacted(found["key"]):
            start = found.end()
            end = end_of_placeholder(text, start) or _find_end(text, start, found["quote"])
            if end > start:
                yield start, end
            place = max(end, found.end())
        found = _KEY.search(text, place)


def _find_end(text: str, start: int, quote: str | None) -> int:
    if quote is None:
        return _find_end_of_bare(text, start)
    if len(quote) == 1:
        value = _IN_QUOTES[quote].match(text, start)
        return value.end() if value else len(text)
    end = text.find(quote, start)
    return end if end >= 0 else len(text)


def _find_end_of_bare(text: str, start: int) -> int:
    first = text[start : start + 1]
    if first in _NOTHING:
        return start
    if first in ("{", "["):
        try:
            return _decode(text, start)[1]
        except (ValueError, RecursionError):
            # A mapping of Python, or one that was cut: the end is not known.
            return len(text)
    # Of a tuple, of an object of Python, and of words, the end is not known either.
    value = _BARE.match(text, start)
    return value.end() if value else len(text)

"""Estimates the size of values in OTLP. The estimate is an upper bound: lengths are taken for four bytes each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: In bytes: the tags and lengths of an attribute, or of an entry of a mapping; those of a value; a number.
ATTRIBUTE, VALUE, NUMBER = 16, 8, 12
#: The most bytes of one character; six if it is a lone surrogate.
CHARACTER = 6


def measure_text(text: Any) -> int:
    """Return the bytes of a text in UTF-8; of a lone surrogate those of its escape, which is sent.

    A value that is no text, such as a name that is ``None``, is measured as its text.
    """
    if not isinstance(text, str):
        text = str(text)
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def measure(value: Any, enough: int) -> int:
    """Return the bytes of a value of any nesting; at least ``enough`` as soon as it is known to have so many.

    A value that contains itself has more than enough.
    """
    total, left = 0, [value]
    while left and total < enough:
        part = left.pop()
        if isinstance(part, str):
            total += VALUE + measure_text(part)
        elif isinstance(part, (bytes, bytearray)):
            total += VALUE + len(part)
        elif isinstance(part, Mapping):
            total += VALUE + sum(ATTRIBUTE + measure_text(str(key)) for key in part)
            left += part.values()
        elif isinstance(part, Sequence):
            total += VALUE + len(part)
            left += part
        else:
            total += NUMBER
    return total


def count_characters(text: Any) -> int:
    """Return the number of characters of a name; of a value that is no text that of its text."""
    return len(text if isinstance(text, str) else str(text))


def is_surely_small(attributes: Mapping[str, Any] | None, limit: int) -> int:
    """Return what is left of a limit after these attributes; negative if they may be larger.

    It looks at lengths only, so that usual items cost little.
    """
    for key, value in attributes.items() if attributes else ():
        name = key if type(key) is str else str(key)
        kind = type(value)
        if kind is str:
            limit -= CHARACTER * (len(name) + len(value)) + ATTRIBUTE + VALUE
        elif kind is int or kind is bool or kind is float or value is None:
            limit -= CHARACTER * len(name) + ATTRIBUTE + NUMBER
        else:
            limit -= CHARACTER * len(name) + ATTRIBUTE + measure(value, max(limit, 0) + 1)
        if limit < 0:
            break
    return limit

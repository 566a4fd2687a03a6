"""Finds the texts that are in each match of a pattern, to know in which texts it need not be tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.patterns.regex_tree import UNBOUNDED, convert

#: Three characters in a row.
Gram = tuple[str, str, str]
#: The length of a group of characters.
GRAM = 3


def divide(text: str) -> Iterator[Gram]:
    """Return all groups of three characters in a row."""
    return zip(text, text[1:], text[2:], strict=False)


def find_literals(node: Any, lower: bool) -> Iterator[str]:
    """Yield the texts that are in each match; some are empty.

    Args:
        node: the tree of a pattern, see :func:`~distrokit.patterns.regex_tree.parse`.
        lower: whether the pattern ignores the case; then in lower case, and only those of ASCII characters.
    """
    text = ""
    for operator, argument in convert(node):
        if operator == "LITERAL":
            text += chr(argument)
            continue
        inner: Any = None
        if operator == "SUBPATTERN" and not (argument[1] or argument[2]):
            inner = argument[3]
        elif operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and 1 <= argument[0] <= UNBOUNDED:
            inner = argument[2]
        elif operator in ("AT", "ASSERT", "ASSERT_NOT"):
            # A place between two characters.
            continue
        yield text.lower() if lower and text.isascii() else "" if lower else text
        text = ""
        if inner is not None:
            yield from find_literals(inner, lower)
    yield text.lower() if lower and text.isascii() else "" if lower else text

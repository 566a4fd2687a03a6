"""Finds out at little cost that a text stays as it is: that is so for nearly all texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from distrokit_guard.redaction.patterns.index import PatternIndex
from distrokit_guard.redaction.percent import ESCAPE

#: The number of values that are kept, and the longest of them.
MOST_KNOWN, LONGEST_KNOWN = 4096, 128
#: Lengths of the shortest secrets: a parameter ``sig=x``, the words ``bearer abcd``, and a card.
_SHORTEST, _SHORTEST_WORD, _SHORTEST_NUMBER = 5, 11, 13
#: The fewest digits of an IBAN, which is that of Malta.
_DIGITS_OF_IBAN, _DIGITS_OF_CARD = 6, 13
_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_find_iban = re.compile(r"[0-9](?<=[A-Za-z]{2}[0-9])[0-9][ -]?[A-Za-z0-9]{4}").search
# The beginnings of access keys of clouds, and the names in front of others.
_find_cloud_key = re.compile(
    "A[KSBC][IC]A|AIza|ya29|_[A-Za-z0-9]{16}|pat_|xox|pat-|pypi-|sk-|SG[.]|[kK][eE][yY]"
).search

_find_escape = ESCAPE.search
_find_digits = re.compile(r"\d").findall

#: Tells of a text whether it may change; false is certain.
QuickTest = Callable[[str], bool]


class KnownValues(set[Any]):
    """Values that stay as they are, of which it has a bounded number: most values come again and again."""

    def keep(self, value: object) -> None:
        """Add a value."""
        if len(self) >= MOST_KNOWN:
            # Values that never repeat; those that do are here again soon.
            self.clear()
        self.add(value)


def make_quick_test(
    kinds: Collection[str], index: PatternIndex | None, longest: int, known: KnownValues, *, has_keys: bool
) -> QuickTest:
    """Return the test for these rules, for texts that are not known.

    It is one function, since each new value of each item passes it.

    Args:
        kinds: names of built-in kinds.
        index: of the patterns of users; ``None`` for none.
        longest: a longer text is cut, in characters; without rules about values only if it is scanned.
        known: receives texts that stay as they are.
        has_keys: whether there are rules about keys; JSON in a text may have keys.
    """
    addresses, parameters = bool({"emails", "url-credentials"} & set(kinds)), "url-parameters" in kinds
    tokens, private_keys, cloud_keys = (kind in kinds for kind in ("tokens", "private-keys", "cloud-keys"))
    may_have_number = _make_number_test(kinds)
    numbers = bool({"cards", "ibans"} & set(kinds))
    words = tokens or cloud_keys
    # A backslash, since an escape of JSON may hide any character.
    escapes = bool(kinds) or index is not None
    shortest = 0 if index is not None else _SHORTEST

    def may_change(text: str) -> bool:
        size = len(text)
        if size >= shortest and (
            (escapes and size > longest)
            or (addresses and "@" in text)
            or (parameters and "=" in text)
            or (escapes and "\\" in text)
            or (escapes and "%" in text and _find_escape(text) is not None)
            or (has_keys and ":" in text and ('"' in text or "'" in text))
            or (numbers and size >= _SHORTEST_NUMBER and may_have_number(text))
            or (words and size >= _SHORTEST_WORD and _may_have_word(text, tokens, cloud_keys))
            or (private_keys and "PRIVATE KEY" in text)
            or (index is not None and index.may_find(text))
        ):
            return True
        if size <= LONGEST_KNOWN:
            # As `keep`, without a call.
            if len(known) >= MOST_KNOWN:
                known.clear()
            known.add(text)
        return False

    return may_change


def _make_number_test(kinds: Collection[str]) -> QuickTest:
    """Return a test for cards and IBANs."""
    cards, ibans = "cards" in kinds, "ibans" in kinds
    fewest = _DIGITS_OF_IBAN if ibans else _DIGITS_OF_CARD

    def may_have_number(text: str) -> bool:
        digits = len(text.encode().translate(None, _NOT_DIGITS)) if text.isascii() else len(_find_digits(text))
        return digits >= fewest and ((cards and digits >= _DIGITS_OF_CARD) or (ibans and _find_iban(text) is not None))

    return may_have_number


def _may_have_word(text: str, tokens: bool, cloud_keys: bool) -> bool:
    lower = text.lower()
    if tokens and ("bearer" in lower or "eyJ" in text or "basic" in lower):
        return True
    return (
        cloud_keys
        # Each key has one of these, and most texts have none.
        and ("key" in lower or "_" in text or "-" in text or "A" in text or "SG." in text or "ya29" in text)
        and _find_cloud_key(text) is not None
    )


def _count_digits(text: str) -> int:
    return len(_find_digits(text))


#: By kind, the same for this kind alone: one kind is a reason to look for it, and not for all others.
KIND_TESTS: dict[str, QuickTest] = {
    "cards": lambda text: _count_digits(text) >= _DIGITS_OF_CARD,
    "tokens": lambda text: _may_have_word(text, tokens=True, cloud_keys=False),
    "url-credentials": lambda text: "://" in text and "@" in text,
    "url-parameters": lambda text: "=" in text or "%3D" in text or "%3d" in text,
    "emails": lambda text: "@" in text or "%40" in text,
    "ibans": lambda text: _find_iban(text) is not None,
    "private-keys": lambda text: "PRIVATE KEY" in text,
    "cloud-keys": lambda text: _may_have_word(text, tokens=False, cloud_keys=True),
}

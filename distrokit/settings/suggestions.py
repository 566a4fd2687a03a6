"""Suggestions for misspelt names; every "did you mean" comes from here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Least similarity, from 0 to 1, for the suggestion in place of a name that is certainly wrong.
SUGGESTED = 0.6
#: The same for a single word of a name.
SIMILAR_WORD = 0.75
#: The same for each word of a name whose words are in another order: ``LOG`` for ``LOGS``.
SIMILAR_REORDERED = 0.85
#: The same for a name that may be right: it is reported only if it is most likely misspelt.
MISSPELT = 0.88


def did_you_mean(word: str, known: Iterable[str], cutoff: float = SUGGESTED) -> str:
    """Return ``Did you mean 'console'?``, or nothing; case is ignored.

    Args:
        cutoff: least similarity of a suggestion; 0 accepts any name, 1 only an equal one.
    """
    found = find_closest(word, known, cutoff)
    return f"Did you mean {found!r}?" if found else ""


def find_closest(word: str, known: Iterable[str], cutoff: float = SUGGESTED) -> str:
    """Return the most similar known name; empty if none is similar enough. Case is ignored."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else ""


def rate(one: str, other: str) -> float:
    """Return the similarity of two words, from 0 to 1."""
    return difflib.SequenceMatcher(None, one, other).ratio()


def find_reordered(name: str, known: Iterable[str]) -> str:
    """Return the known name with the same words in another order, each at most slightly misspelt; empty for none.

    ``OTEL_EXPORTER_TRACES`` stands for ``OTEL_TRACES_EXPORTER``.
    """
    words = name.upper().split("_")
    best, found = max(((_rate_reordered(words, other.upper().split("_")), other) for other in known), default=(0.0, ""))
    return found if best else ""


def _rate_reordered(words: list[str], other: list[str]) -> float:
    """Rate two lists of words; 0 for other words, or for the same order."""
    if len(words) != len(other) or len(words) < 2:
        return 0.0
    left, similarity, order = list(other), 0.0, []
    for word in words:
        ratio, best = max((rate(word, each), each) for each in left)
        if ratio < SIMILAR_REORDERED:
            return 0.0
        left.remove(best)
        similarity += ratio
        order.append(best)
    return similarity if order != other else 0.0

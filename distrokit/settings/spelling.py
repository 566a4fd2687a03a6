"""Suggestions for names with words in the wrong order: ``OTEL_EXPORTER_TRACES`` for ``OTEL_TRACES_EXPORTER``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

#: How similar two words must be: ``PLUGIN`` is similar enough to ``PLUGINS``.
_CLOSE_WORD = 0.85


def in_another_order(name: str, known: Iterable[str]) -> str:
    """Return the known name with the same words, each at most slightly misspelt; empty if there is none."""
    words = name.upper().split("_")
    rated = [(_rate(words, other.upper().split("_")), other) for other in known]
    best, found = max(rated, default=(0.0, ""))
    return found if best else ""


def _rate(words: list[str], other: list[str]) -> float:
    """Rate two lists of words; 0 for other words, or for the same order."""
    if len(words) != len(other) or len(words) < 2:
        return 0.0
    left, similarity, order = list(other), 0.0, []
    for word in words:
        ratio, best = max((SequenceMatcher(None, word, each).ratio(), each) for each in left)
        if ratio < _CLOSE_WORD:
            return 0.0
        left.remove(best)
        similarity += ratio
        order.append(best)
    return similarity if order != other else 0.0

"""Names whose words stand in another order: ``OTEL_EXPORTER_TRACES`` for ``OTEL_TRACES_EXPORTER``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

#: How alike two words must be: ``PLUGIN`` is close enough to ``PLUGINS``.
_CLOSE_WORD = 0.85


def in_another_order(name: str, known: Iterable[str]) -> str:
    """The known name that has the same words, each of them at most slightly misspelt; empty where there is none."""
    words = name.upper().split("_")
    rated = [(_likeness(words, other.upper().split("_")), other) for other in known]
    best, found = max(rated, default=(0.0, ""))
    return found if best else ""


def _likeness(words: list[str], other: list[str]) -> float:
    """0 for other words, or for the same order; the more, the more alike."""
    if len(words) != len(other) or len(words) < 2:
        return 0.0
    left, likeness, order = list(other), 0.0, []
    for word in words:
        ratio, best = max((SequenceMatcher(None, word, each).ratio(), each) for each in left)
        if ratio < _CLOSE_WORD:
            return 0.0
        left.remove(best)
        likeness += ratio
        order.append(best)
    return likeness if order != other else 0.0

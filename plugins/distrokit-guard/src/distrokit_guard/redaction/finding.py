"""Finds the places of all secrets in a text, by all rules about values."""

from __future__ import annotations

from collections.abc import Sequence

from distrokit_guard.redaction.detectors import DETECTORS
from distrokit_guard.redaction.patterns.index import PatternIndex
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern
from distrokit_guard.redaction.percent import ESCAPE, DecodedText
from distrokit_guard.redaction.quick_test import KIND_TESTS

#: Start, end, and the name of the rule.
Finding = tuple[int, int, str]


class ValueRules:
    """The rules about values.

    Args:
        kinds: names in :data:`~distrokit_guard.redaction.detectors.DETECTORS`.
        patterns: patterns of users, which were checked.

    Attributes:
        kinds: see above.
        index: of the patterns; ``None`` if there are none.
        has_cards: whether whole numbers may be secrets.
    """

    def __init__(self, kinds: Sequence[str], patterns: Sequence[OwnPattern]) -> None:
        self._detectors = [(kind, KIND_TESTS[kind], DETECTORS[kind]) for kind in kinds]
        self.kinds = tuple(kinds)
        self.index = PatternIndex(patterns) if patterns else None
        self.has_cards = "cards" in kinds

    def find(self, text: str) -> list[Finding]:
        """Return all places, in no order; they may overlap.

        The built-in kinds are also looked for in the text without its percent-encoding.
        """
        found = self._find_kinds(text)
        if self._detectors and "%" in text and ESCAPE.search(text):
            decoded = DecodedText(text)
            found += [(*decoded.find_encoded(start, end), kind) for start, end, kind in self._find_kinds(decoded.text)]
        if self.index is not None:
            found += self.index.find(text)
        return found

    def _find_kinds(self, text: str) -> list[Finding]:
        found: list[Finding] = []
        for kind, may_find, find in self._detectors:
            if may_find(text):
                found += [(start, end, kind) for start, end in find(text) if end > start]
        return found

"""Counts how often each rule was needed.

Nothing is locked: the numbers decide about one line at shutdown, and a lost count does not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Statistics:
    """The items and matches of one redactor.

    Attributes:
        items: the number of items so far.
        observer: called with the name of each rule that matched; ``None`` for nobody.
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self._rules = tuple(rules)
        self.observer: Callable[[str], None] | None = None
        self.forget()

    def forget(self) -> None:
        """Start again, as in a forked child."""
        self.items = 0
        # By rule: the number of items, and the last of them.
        self._matched: dict[str, int] = dict.fromkeys(self._rules, 0)
        self._last: dict[str, int] = {}

    def count(self, rule: str) -> None:
        """Count a match in the current item."""
        if self.observer is not None:
            self.observer(rule)
        if rule in self._matched and self._last.get(rule) != self.items:
            self._last[rule] = self.items
            self._matched[rule] += 1

    def find_idle(self) -> list[str]:
        """Return the rules that matched nothing."""
        return [rule for rule, count in self._matched.items() if count == 0]

    def find_greedy(self) -> list[str]:
        """Return the rules that matched in every item."""
        return [rule for rule, count in self._matched.items() if count and count >= self.items]

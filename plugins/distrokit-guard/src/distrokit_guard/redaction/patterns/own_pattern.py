"""One pattern of a user; refuses those that match nothing, or everything."""

from __future__ import annotations

import re
from typing import NamedTuple

from distrokit.patterns.safety import CheckedPattern, check_pattern
from distrokit.patterns.units import PatternRefusedError

#: The group that is redacted; without it, the whole match is.
SECRET_GROUP = "secret"  # noqa: S105  (the name of a group)
#: Texts that have nothing in common; a pattern that finds something in each is of no use.
_ORDINARY = ("GET", "orders", "200", "é")


def check_own_pattern(regex: str) -> CheckedPattern:
    """Compile a pattern that redacts.

    Raises:
        PatternRefusedError: it is not accepted; the error has reason and remedy.
    """
    checked: CheckedPattern = check_pattern(regex)
    if checked.shortest == 0:
        raise PatternRefusedError("it matches the empty text", "Make at least one part of it mandatory.")
    if all(checked.regex.search(text) for text in _ORDINARY):
        raise PatternRefusedError("it matches ordinary texts such as 'GET' and '200'", "Make it more specific.")
    return checked


class OwnPattern(NamedTuple):
    """A pattern that was checked.

    Attributes:
        name: of the rule.
        regex: compiled.
    """

    name: str
    regex: re.Pattern[str]

    @property
    def group(self) -> int:
        """The number of the group that is redacted; 0 for the whole match."""
        return self.regex.groupindex.get(SECRET_GROUP, 0)

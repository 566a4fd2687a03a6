"""Reads patterns of users: one ``name: regex`` a line; lines that begin with ``#`` are comments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from distrokit.patterns.units import PatternRefusedError
from distrokit_guard.redaction.masking import RULE_NAME
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern, check_own_pattern

#: The most steps at one place of a text, of all patterns together; so many of each pattern do not count, since any
#: search takes them. At 25 ns each, a text of 64 KiB takes at most some 0.8 s.
_MOST_STEPS, _FREE_STEPS = 512, 8


@dataclass(frozen=True)
class Refusal:
    """A line that is not accepted.

    Attributes:
        line: its number, from 1.
        name: of the rule; empty if the line has none.
        reason: of the refusal.
        remedy: an instruction, as a sentence.
    """

    line: int
    name: str
    reason: str
    remedy: str


@dataclass
class PatternLines:
    """The patterns of a text, and the lines that were refused."""

    patterns: list[OwnPattern] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def read_lines(text: str, taken: Collection[str] = ()) -> PatternLines:
    """Read patterns. Those that take too long together are refused from the first one on that is too much.

    Args:
        taken: names that other rules have.
    """
    read, names = PatternLines(), {*taken}
    left = _MOST_STEPS
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, regex = line.strip().partition(":")
        name = name.strip()
        try:
            if not colon or not RULE_NAME.fullmatch(name):
                name = ""
                raise PatternRefusedError("it is not of the form name: regex", "Begin it with a name of letters.")
            if name in names:
                raise PatternRefusedError("another rule has this name", "Give it another name.")
            checked = check_own_pattern(regex.strip())
            counted = max(checked.steps - _FREE_STEPS, 0)
            if counted > left:
                raise PatternRefusedError(
                    f"it may take {counted} steps at each place of a text, and the patterns in front of it leave {left}"
                    f" of the {_MOST_STEPS} that all may take together",
                    "Give quantifiers lower upper bounds, or put a character in front that they do not match.",
                )
            left -= counted
            read.patterns.append(OwnPattern(name, checked.regex))
            names.add(name)
        except PatternRefusedError as error:
            read.refusals.append(Refusal(number, name, error.reason, error.remedy))
    return read

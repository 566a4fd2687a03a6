"""Reads patterns of users: one ``name: regex`` a line; lines that begin with ``#`` are comments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from distrokit_guard.redaction.masking import RULE_NAME
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern
from distrokit_guard.redaction.patterns.safety import check_pattern
from distrokit_guard.redaction.patterns.units import PatternRefusedError


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
    """Read patterns.

    Args:
        taken: names that other rules have.
    """
    read, names = PatternLines(), {*taken}
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
            read.patterns.append(OwnPattern(name, check_pattern(regex.strip())))
            names.add(name)
        except PatternRefusedError as error:
            read.refusals.append(Refusal(number, name, error.reason, error.remedy))
    return read

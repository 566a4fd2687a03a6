"""A pattern as alternatives, each a plain sequence of units; refuses what has no such form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from distrokit.patterns.character_sets import Characters, CharacterSets
from distrokit.patterns.regex_tree import UNBOUNDED, convert

#: A run of at most so many characters counts as short.
SHORT = 256
#: Limits of alternatives, and of units in all of them.
_MOST_ALTERNATIVES, _MOST_UNITS = 1000, 20_000
#: The longest content of a lookahead or lookbehind.
_LONGEST_ASSERTION = 64
#: A group that is repeated so often is written out.
_WRITTEN_OUT = 16

_NONE: Characters = frozenset()


class PatternRefusedError(ValueError):
    """A pattern that is not accepted.

    Args:
        reason: of the refusal.
        remedy: an instruction, as a sentence.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


@dataclass(frozen=True)
class Unit:
    """One step of a sequence.

    Attributes:
        first: the characters that it may begin with; of an assertion empty.
        every: all characters that it may match.
        last: the characters that it may end with.
        low, high: the number of repetitions.
        length, least: the longest and the shortest single repetition.
        may_fail: an assertion after a run, which may fail.
        may_break: a group that is repeated: it may fail behind a long run inside it.
        excluded: an assertion: characters that are not in front of this place.
        anchored: an assertion: true only at the start of the text.
    """

    first: Characters = _NONE
    every: Characters = _NONE
    last: Characters = _NONE
    low: int = 1
    high: int = 1
    length: int = 1
    least: int = 1
    may_fail: bool = False
    may_break: bool = False
    excluded: Characters = field(default=_NONE)
    anchored: bool = False

    @property
    def is_assertion(self) -> bool:
        """True if it matches a place and no character."""
        return not self.every

    @property
    def can_fail(self) -> bool:
        """True if a match may fail here."""
        return self.may_fail or (self.low > 0 and not self.is_assertion)


Sequence_ = tuple[Unit, ...]


class Expander:
    """Expands the tree of a pattern into its alternatives.

    Args:
        sets: computes sets of characters.
    """

    def __init__(self, sets: CharacterSets) -> None:
        self._sets = sets

    def expand(self, node: Iterable[tuple[Any, Any]], flags: int) -> list[Sequence_]:
        """Return the alternatives.

        Raises:
            PatternRefusedError: it has a part that may take long, or cannot be judged.
        """
        alternatives: list[Sequence_] = [()]
        for operator, argument in convert(node):
            alternatives = _join(alternatives, self._one(operator, argument, flags))
        return alternatives

    def _one(self, operator: str, argument: Any, flags: int) -> list[Sequence_]:
        if operator in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            characters = self._sets.of(operator, argument, flags)
            return [(Unit(characters, characters, characters),)]
        if operator == "SUBPATTERN":
            _, added, removed, inner = argument
            return self.expand(inner, (flags | added) & ~removed)
        if operator == "BRANCH":
            return [sequence for inner in argument[1] for sequence in self.expand(inner, flags)]
        if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, inner = argument
            return self._repeat(low, high, inner, flags)
        if operator in ("AT", "ASSERT", "ASSERT_NOT"):
            return [(self._assertion(operator, argument, flags),)]
        if operator == "ATOMIC_GROUP":
            return self.expand(argument, flags)
        if operator.startswith("GROUPREF"):
            raise PatternRefusedError("a back-reference may take long", "Write it without a back-reference.")
        raise PatternRefusedError(f"{operator.lower()} is not supported", "Write it without.")

    def _repeat(self, low: int, high: int, node: Any, flags: int) -> list[Sequence_]:
        inner = self.expand(node, flags)
        if (low, high) == (0, 1) or any(unit.is_assertion for sequence in inner for unit in sequence):
            # An assertion that is repeated says no more than once.
            return [*([()] if low == 0 else []), *inner] if high <= 1 or _is_assertion(inner) else _refuse()
        if len(inner) == 1 and len(inner[0]) == 1 and inner[0][0].low == inner[0][0].high == 1:
            return [(replace(inner[0][0], low=low, high=high),)]
        if low == high and high <= _WRITTEN_OUT:
            alternatives: list[Sequence_] = [()]
            for _ in range(high):
                alternatives = _join(alternatives, inner)
            return alternatives
        return [(_block(inner, low, high),)]

    def _assertion(self, operator: str, argument: Any, flags: int) -> Unit:
        if operator == "AT":
            return self._anchor(str(argument), flags)
        direction, node = argument
        inner = self.expand(node, flags)
        if any(unit.high > _LONGEST_ASSERTION or unit.high != unit.low for s in inner for unit in s):
            raise PatternRefusedError(
                "a lookahead or lookbehind has a quantifier", "Use single characters and texts in it."
            )
        single = operator == "ASSERT_NOT" and direction < 0 and all(len(s) == 1 for s in inner)
        excluded = frozenset[int]().union(*(s[0].every for s in inner)) if single else _NONE
        return Unit(may_fail=True, excluded=excluded)

    def _anchor(self, name: str, flags: int) -> Unit:
        if name == "AT_BEGINNING_STRING" or (name == "AT_BEGINNING" and not flags & re.MULTILINE):
            return Unit(may_fail=True, anchored=True)
        if name == "AT_BEGINNING":
            return Unit(may_fail=True, excluded=self._sets.all - {10})
        # Between two word characters there is no boundary.
        return Unit(may_fail=True, excluded=self._sets.word if name == "AT_BOUNDARY" else _NONE)


def _join(left: list[Sequence_], right: list[Sequence_]) -> list[Sequence_]:
    joined = [(*one, *other) for one in left for other in right]
    if len(joined) > _MOST_ALTERNATIVES or sum(map(len, joined)) > _MOST_UNITS:
        raise PatternRefusedError("it has too many combinations of alternatives", "Write several patterns.")
    return joined


_NESTED = PatternRefusedError(
    "a group with a quantifier has alternatives or quantifiers inside that overlap, so it may take long",
    "Begin the group with a character that does not occur in the rest of it, or repeat single characters only.",
)


def _block(inner: list[Sequence_], low: int, high: int) -> Unit:
    """Return a repeated group; there must be one way only to divide a text among its repetitions."""
    first: Characters = _NONE
    for sequence in inner:
        if not sequence or sequence[0].low == 0 or any(unit.is_assertion for unit in sequence):
            raise _NESTED
        if first & sequence[0].first:
            raise _NESTED
        first |= sequence[0].first
    for sequence in inner:
        _check_inside(sequence, first)
    every = frozenset[int]().union(*(unit.every for sequence in inner for unit in sequence))
    last = frozenset[int]().union(*(last_characters(sequence) for sequence in inner))
    length = max(sum(min(unit.high, UNBOUNDED) * unit.length for unit in sequence) for sequence in inner)
    least = min(sum(unit.low * unit.least for unit in sequence) for sequence in inner)
    may_break = any(_may_break(sequence) for sequence in inner)
    return Unit(first, every, last, low, high, min(length, UNBOUNDED), least, may_break=may_break)


def _may_break(sequence: Sequence_) -> bool:
    for place, unit in enumerate(sequence):
        if unit.may_break:
            return True
        if unit.high * unit.length > SHORT and any(other.can_fail for other in sequence[place + 1 :]):
            return True
    return False


def _is_assertion(inner: list[Sequence_]) -> bool:
    return all(unit.is_assertion for sequence in inner for unit in sequence)


def _refuse() -> list[Sequence_]:
    raise _NESTED


def _check_inside(sequence: Sequence_, again: Characters) -> None:
    """Refuse a repeated sequence with a quantifier whose end is not certain.

    Args:
        again: the characters that the next repetition may begin with.
    """
    for place, unit in enumerate(sequence):
        if unit.low != unit.high and unit.every & first_characters((*sequence[place + 1 :], Unit(again, again, again))):
            raise _NESTED


def first_characters(sequence: Sequence[Unit]) -> Characters:
    """Return the characters that a sequence may begin with."""
    found: Characters = _NONE
    for unit in sequence:
        found |= unit.first
        if unit.low > 0 and not unit.is_assertion:
            break
    return found


def last_characters(sequence: Sequence[Unit]) -> Characters:
    """Return the characters that a sequence may end with."""
    found: Characters = _NONE
    for unit in reversed(sequence):
        found |= unit.last
        if unit.low > 0 and not unit.is_assertion:
            break
    return found

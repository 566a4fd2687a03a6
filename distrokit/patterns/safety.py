"""Refuses patterns that may take more than linear time.

Python's ``re`` tries a pattern at each place of a text, and goes back where a part of it fails. The time is linear if

- matches that begin at different places do not read the same run without an upper bound, unless nothing can fail after
  it: then it is a match, and is read once;
- the end of a run is certain, since what follows cannot match its characters; or at most one run has an uncertain end,
  and all that follows it is short;
- the number of other ways to match is small.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from distrokit.patterns.character_sets import CharacterSets, TooManyCharactersError
from distrokit.patterns.regex_tree import parse
from distrokit.patterns.units import (
    SHORT,
    Expander,
    PatternRefusedError,
    Unit,
    first_characters,
)

#: The most steps at one place of a text. A step takes some 25 ns, so a text of 64 KiB takes at most some 0.2 s.
_MOST_STEPS = 128
#: The longest pattern, in characters.
_LONGEST = 4096
_BOUND = "Give the quantifier an upper bound, such as {1,64}"


class CheckedPattern(NamedTuple):
    """A pattern that takes linear time.

    Attributes:
        regex: compiled.
        steps: a bound of its steps at one place of a text; a step takes some 25 ns.
        shortest: the length of its shortest match, in characters.
        restarts: whether a run may begin inside itself.
    """

    regex: re.Pattern[str]
    steps: int
    shortest: int
    restarts: bool = False


def check_pattern(regex: str, *, allow_restarts: bool = False) -> CheckedPattern:
    """Compile a pattern of a user.

    Args:
        allow_restarts: whether a run without an upper bound may begin inside itself, as in ``id=[^&]+&``. The time of
            such a pattern grows with the square of a text's length, so the text must be short.

    Raises:
        PatternRefusedError: it is not accepted; the error has reason and remedy.
    """
    if len(regex) > _LONGEST:
        raise PatternRefusedError(f"it is longer than {_LONGEST:,} characters", "Write several patterns.")
    try:
        tree, flags, shortest = parse(regex)
        compiled = re.compile(regex)
        sequences = Expander(CharacterSets(tree, flags)).expand(tree, flags)
        restarts = any(_restarts(sequence) for sequence in sequences)
        if restarts and not allow_restarts:
            raise PatternRefusedError("a run without an upper bound may begin inside itself", _REMEDY)
        steps = sum(_count_steps(sequence) for sequence in sequences)
    except TooManyCharactersError:
        raise PatternRefusedError("it has a very large range of characters", r"Use \w, \d or \s.") from None
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternRefusedError(f"it is no regular expression: {error}", "Correct it.") from None
    if steps > _MOST_STEPS:
        raise PatternRefusedError(
            f"it may take {steps:,} steps at each place of a text, more than {_MOST_STEPS}",
            f"{_BOUND}, or a lower one, or put a character in front of it that it does not match.",
        )
    return CheckedPattern(compiled, steps, shortest, restarts)


def _count_steps(sequence: Sequence[Unit]) -> int:
    """Return a bound of the steps at one place of a text.

    Raises:
        PatternRefusedError: there is none.
    """
    steps, is_last = 1, True
    for place in range(len(sequence) - 1, -1, -1):
        unit, after = sequence[place], sequence[place + 1 :]
        if is_last and not unit.may_break and unit.low * unit.least <= SHORT:
            # Nothing can fail behind it: whatever it reads is a match, or it is too short for one.
            steps += unit.low * unit.least
        elif unit.low != unit.high or unit.high > SHORT:
            steps = _count_run(unit, sequence[:place], after, steps)
        is_last = is_last and not unit.can_fail
    distance = _count_distance(sequence)
    return steps if distance <= 1 else 1 - (-steps // distance)


def _restarts(sequence: Sequence[Unit]) -> bool:
    """Tell whether matches that begin at different places may read the same long run before they fail."""
    for place, unit in enumerate(sequence):
        after = sequence[place + 1 :]
        is_last = not any(other.can_fail for other in after)
        if is_last and not unit.may_break and unit.low * unit.least <= SHORT:
            continue
        is_run = unit.low != unit.high or unit.high > SHORT
        if is_run and unit.high * unit.length > SHORT and not _begins_once(sequence[:place], unit):
            return True
    return False


def _count_distance(sequence: Sequence[Unit]) -> int:
    """Return the least distance of two places where more than the beginning of a sequence is tried.

    It is the length of a beginning whose first character does not occur in the rest of it, as in ``<id>``.
    """
    if any(unit.high * unit.length > SHORT for unit in sequence):
        # What a long run reads does not depend on it.
        return 1
    units = [unit for unit in sequence if not unit.is_assertion]
    if not units or units[0].high != 1:
        return 1
    distance = 0
    for place, unit in enumerate(units):
        if unit.low != unit.high or (place and unit.every & units[0].every):
            break
        distance += unit.high * unit.least
    return max(distance, 1)


def _count_run(unit: Unit, before: Sequence[Unit], after: Sequence[Unit], steps: int) -> int:
    """Return the steps of a run and of what follows it, which takes so many steps."""
    is_certain = not unit.every & first_characters(after)
    begins_once = _begins_once(before, unit)
    # So many matches may reach the run.
    matches = prod(other.high - other.low + 1 for other in before if other.high * other.length <= SHORT)
    longest = unit.high * unit.length
    if longest <= SHORT:
        if is_certain:
            return steps + (min(longest, matches) if begins_once else longest)
        return (unit.high - unit.low + 1) * steps
    if not is_certain and any(other.high * other.length > SHORT and _is_followed(other, after) for other in after):
        raise PatternRefusedError("two runs without an upper bound overlap", f"{_BOUND}.")
    # With an uncertain end, all that follows is tried at each place of it.
    return steps + matches if is_certain else steps * matches


def _is_followed(unit: Unit, sequence: Sequence[Unit]) -> bool:
    """Tell whether anything can fail behind a unit of a sequence."""
    place = next(number for number, other in enumerate(sequence) if other is unit)
    return unit.may_break or any(other.can_fail for other in sequence[place + 1 :])


_REMEDY = f"{_BOUND}, or put a character in front of it that it does not match."


def _begins_once(before: Sequence[Unit], run: Unit) -> bool:
    """Tell whether matches that begin at different places read different runs, but for a bounded number of them."""
    if before and before[0].anchored:
        return True
    # Characters between the place and the end of the run, and those of long runs between them.
    region, long_runs = run.every, run.every
    for unit in reversed(before):
        if unit.is_assertion:
            # A match cannot begin inside another one that has only characters which are excluded in front of it.
            if unit.excluded and unit.excluded >= region:
                return True
            continue
        if unit.low > 0 and not unit.every & long_runs:
            # A mandatory part that the run does not match: so no other match has it inside the run.
            return True
        region |= unit.every
        if unit.high * unit.length > SHORT:
            long_runs |= unit.every
    return False

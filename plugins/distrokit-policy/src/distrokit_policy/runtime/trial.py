"""A new set of policies on trial: for some instances first, and taken back if it makes errors.

A set has, beside its policies, ``rollout: {percentage: 20, trial_seconds: 300, max_errors: 10}``. An instance is among
the percentage by its ``service.instance.id``, so that it is among any higher one, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from distrokit import Problem
from distrokit_policy.engine.parts import Parts
from distrokit_policy.engine.policies import InvalidError
from distrokit_policy.engine.reading import NotASetError, ReadPolicies
from distrokit_policy.engine.sampling import hash_bytes
from distrokit_policy.engine.tracestate import LIMIT

if TYPE_CHECKING:
    from distrokit_policy.runtime.sources import Source

_LONGEST_TRIAL = 7 * 24 * 3600


@dataclass(frozen=True)
class Rollout:
    """How a set comes into effect.

    Attributes:
        percentage: of the instances for which it is.
        trial_seconds: how long it is on trial; 0 for not at all.
        max_errors: it is taken back if there are more: lost items, and evaluations of policies that raised.
    """

    percentage: float = 100.0
    trial_seconds: float = 0.0
    max_errors: int = 0

    def is_for(self, instance: str) -> bool:
        """Tell whether it is for an instance, by its id."""
        return hash_bytes(instance.encode("utf-8", "replace")) < self.percentage / 100.0 * LIMIT


def read_rollout(data: Mapping[str, Any]) -> Rollout | None:
    """Read the part ``rollout`` of a set; ``None`` if it has none.

    Raises:
        NotASetError: it is not valid. A set whose trial is not known is not applied.
    """
    try:
        whole = Parts(data, "a set of policies")
        if "rollout" not in whole:
            return None
        parts = Parts(whole.get("rollout"), "rollout")
        parts.only(("percentage", "trial_seconds", "max_errors"))
        return Rollout(
            _number(parts, "percentage", 100.0, 100.0),
            _number(parts, "trial_seconds", 0.0, _LONGEST_TRIAL),
            int(_number(parts, "max_errors", 0, 1 << 31)),
        )
    except InvalidError as error:
        raise NotASetError(f"rollout: {error.text}") from None


def _number(parts: Parts, name: str, default: float, high: float) -> float:
    value = parts.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
        raise InvalidError(f"{name} must be a number from 0 to {high:g}, not {value!r:.80}")
    return float(value)


@dataclass
class _Running:
    """A trial.

    Attributes:
        until: its end, on the monotonic clock.
        errors: those there were at its beginning.
    """

    until: float
    errors: int


class Trials:
    """The trials of all sources of a process.

    Args:
        sources: each has a set, and the one before.
        count_errors: returns the number of errors so far.

    Attributes:
        instance: the id of this instance.
    """

    def __init__(self, sources: Sequence[Source], count_errors: Callable[[], int]) -> None:
        self._sources, self._count_errors = sources, count_errors
        self._running: dict[int, _Running] = {}
        self._decided: dict[int, ReadPolicies] = {}
        self.instance = ""

    def begin(self) -> None:
        """Decide about each new set: whether it is used here, and whether it is on trial."""
        for number, source in enumerate(self._sources):
            if self._decided.get(number) is source.read:
                continue
            self._decided[number] = source.read
            self._running.pop(number, None)
            rollout = source.rollout
            if rollout is None:
                source.accept()
            elif not rollout.is_for(self.instance):
                source.state = "held back"
            elif rollout.trial_seconds:
                self._running[number] = _Running(monotonic() + rollout.trial_seconds, self._count_errors())
                source.in_use, source.state = source.read, "trial"
            else:
                source.accept()

    def forked(self) -> None:
        """Count errors from the beginning in a forked child, which has none yet."""
        for running in self._running.values():
            running.errors = self._count_errors()

    def step(self, problems: list[Problem]) -> bool:
        """End trials that are over, and take back sets that make errors; return whether one was taken back."""
        taken_back = False
        for number, running in [*self._running.items()]:
            source = self._sources[number]
            errors = self._count_errors() - running.errors
            limit = source.rollout.max_errors if source.rollout else 0
            if errors > limit:
                del self._running[number]
                source.in_use, source.state = source.accepted, "rolled back"
                taken_back = True
                problems.append(_rolled_back(source, errors, limit))
            elif monotonic() >= running.until:
                del self._running[number]
                source.accept()
        return taken_back


def _rolled_back(source: Source, errors: int, limit: int) -> Problem:
    number = len(source.accepted.policies)
    return Problem(
        code="policies-rolled-back",
        subject=f"policies of {source.name}",
        cause=f"during their trial there were {errors:,} errors, more than {limit:,}",
        outcome=f"the set before is used again ({number} {'policy' if number == 1 else 'policies'})",
        remedy="Correct them; the next set of this provider gets a trial of its own.",
    )

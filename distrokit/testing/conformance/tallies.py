"""Counts the items of a plugin's transforms: a transform that drops everything hides the processors after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from distrokit.declarations import BuildContext, Signal
from distrokit.plan.plan import Plan


class Tally:
    """Wraps a transform and counts its items; delegates everything else.

    Attributes:
        signal: of the items.
        received: number of items it received in this process.
        passed: number of items it returned.
    """

    def __init__(self, signal: Signal, name: str, transform: Callable[[Any], Any]) -> None:
        self.signal = signal
        self._name, self._transform = name, transform
        self.received = self.passed = 0

    def __call__(self, item: Any) -> Any:
        self.received += 1
        result = self._transform(item)
        self.passed += result is not None
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transform, name)

    def forked(self) -> None:
        """Reset the counts in a forked child."""
        self.received = self.passed = 0
        forked = getattr(self._transform, "forked", None)
        if callable(forked):
            forked()

    def __str__(self) -> str:
        return f"transform {self._name} for {self.signal}"


def count_transforms(plan: Plan, name: str) -> list[Tally]:
    """Wrap the factories of a plugin's transforms, so that items are counted.

    Returns: a list to which each transform is added when it is built.
    """
    tallies: list[Tally] = []
    for signal, planned in plan.signals.items():
        for component in planned.processors:
            if component.declaration.stage == "transform" and component.plugin == name:
                factory = _counting_factory(component.declaration.factory, signal, component.name, tallies)
                component.declaration = replace(component.declaration, factory=factory)
    return tallies


def _counting_factory(
    factory: Callable[..., Any], signal: Signal, name: str, tallies: list[Tally]
) -> Callable[[BuildContext], Any]:
    def build(context: BuildContext) -> Any:
        transform = factory(context)
        if not callable(transform):
            return transform
        tallies.append(Tally(signal, name, transform))
        return tallies[-1]

    return build


def describe_dropping(tallies: list[Tally]) -> Iterator[str]:
    """Yield a note for each transform that dropped every item; it may be a filter."""
    for tally in tallies:
        if tally.received and not tally.passed:
            yield (
                f"{tally} dropped all {tally.received} items, so processors after it were not checked. A filter may do "
                "that; any other transform must return the item."
            )

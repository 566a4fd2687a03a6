"""Counts what a plugin's transforms are given and give on: one that drops everything hides what is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from distrokit.declarations import BuildContext, Signal
from distrokit.plan.plan import Plan


class Tally:
    """A transform, counted; everything else is its own.

    Attributes:
        signal: of the items.
        given: how many items it had in this process.
        passed: how many it gave on.
    """

    def __init__(self, signal: Signal, name: str, transform: Callable[[Any], Any]) -> None:
        self.signal = signal
        self._name, self._transform = name, transform
        self.given = self.passed = 0

    def __call__(self, item: Any) -> Any:
        self.given += 1
        result = self._transform(item)
        self.passed += result is not None
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transform, name)

    def forked(self) -> None:
        """In a child: it has had nothing."""
        self.given = self.passed = 0
        forked = getattr(self._transform, "forked", None)
        if callable(forked):
            forked()

    def __str__(self) -> str:
        return f"transform {self._name} for {self.signal}"


def count_transforms(plan: Plan, name: str) -> list[Tally]:
    """Have the transforms of a plugin counted.

    Returns: those that have been built, once they are.
    """
    tallies: list[Tally] = []
    for signal, planned in plan.signals.items():
        for component in planned.processors:
            if component.declaration.stage == "transform" and component.plugin == name:
                factory = _counting(component.declaration.factory, signal, component.name, tallies)
                component.declaration = replace(component.declaration, factory=factory)
    return tallies


def _counting(
    factory: Callable[..., Any], signal: Signal, name: str, tallies: list[Tally]
) -> Callable[[BuildContext], Any]:
    def build(context: BuildContext) -> Any:
        transform = factory(context)
        if not callable(transform):
            return transform
        tallies.append(Tally(signal, name, transform))
        return tallies[-1]

    return build


def dropping(tallies: list[Tally]) -> Iterator[str]:
    """What is to be said about those that gave nothing on; it is no fault."""
    for tally in tallies:
        if tally.given and not tally.passed:
            yield (
                f"{tally} gave on none of the {tally.given} items it was given, so that what stands behind it was not "
                "looked at. A filter may do that; any other transform returns the item that goes on."
            )

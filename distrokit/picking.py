"""Picks a declaration by name, and reads its parameters under guard."""

from __future__ import annotations

from functools import partial

from distrokit.catalogue import Offer, Shelf
from distrokit.declarations import (
    D,
    Signal,
)
from distrokit.diagnostics import Problem, contain, describe_exception, did_you_mean, trace_of
from distrokit.parameters import Reader
from distrokit.plan import Component
from distrokit.settings import Settings, Source, Value

INSTALL_DEFAULTS = "Run `pip install 'distrokit[otlp]'`."


class Picker:
    """Picks for one plan.

    Args:
        problems: receives what could not be picked, or read.
    """

    def __init__(self, settings: Settings, problems: list[Problem]) -> None:
        self._settings = settings
        self._problems = problems

    def pick(
        self, shelf: Shelf[D], name: str, choice: Value[str], setting: str, outcome: str, signal: Signal | None = None
    ) -> Component[D] | None:
        """The component of this name; when there is none, that is a problem, and ``None``.

        Args:
            choice: who picked it.
            setting: the variable it was picked by.
            outcome: what happens instead, for the problem.
        """
        offer = shelf.find(name)
        if offer:
            return self.component(offer, choice.source, signal)
        if taken := shelf.taken.get(name.lower()):
            if taken not in self._problems:
                self._problems.append(taken)
            return None
        names = shelf.names()
        hint = did_you_mean(name, names)
        self._problems.append(
            Problem(
                code=shelf.what.split(" for ")[0].replace(" ", "-") + "-unknown",
                subject=f"{choice.source.name if choice.source.kind == 'environment' else setting}={name}",
                cause=f"there is no such {shelf.what} (there are {', '.join(names) or 'none'})",
                outcome=outcome,
                remedy=hint or ("Install the package that has it." if names else INSTALL_DEFAULTS),
            )
        )
        return None

    def component(self, offer: Offer[D], source: Source, signal: Signal | None = None) -> Component[D] | None:
        """The offer with its parameters read; ``None`` when reading them failed."""
        declaration = offer.declaration
        reader = Reader(self._settings, offer.plugin.label, signal, declaration.name)
        read = getattr(declaration, "parameters", None)
        try:
            parameters = dict(read(reader)) if read else {}
            wrong = [name for name, value in parameters.items() if not isinstance(value, Value)]
            if wrong:
                raise TypeError(f"parameters returned {wrong[0]!r} without a source; use the reader's methods")
        except BaseException as error:
            contain(error)
            self._problems.append(
                Problem(
                    code="parameters-failed",
                    subject=offer.plugin.title,
                    cause=f"parameters of {declaration.name!r}: {describe_exception(error)}",
                    outcome=f"{declaration.name!r} is left out",
                    remedy=f"Repair it, or set DISTROKIT_DISABLED_PLUGINS={offer.plugin.name}.",
                    detail=trace_of(error),
                )
            )
            return None
        # One wrong general setting is read by three signals, and is still one problem.
        self._problems.extend(problem for problem in reader.problems if problem not in self._problems)
        overruled = tuple(partial(getattr, rival, "origin") for rival in offer.overruled)
        return Component(declaration, offer.plugin.label, source, parameters, overruled)

"""What there is to pick from: every plugin's declarations by kind, signal and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from distrokit.declarations import (
    SIGNALS,
    D,
    Exporter,
    IdGenerator,
    Processor,
    Propagator,
    ResourceDetector,
    Sampler,
    Signal,
    origin_of,
    signals_of,
)
from distrokit.diagnostics import Problem
from distrokit.plugins import Answer, Plugin


@dataclass(frozen=True)
class Offer(Generic[D]):
    """A declaration and who made it.

    Attributes:
        overruled: the offers of the same name that gave way.
    """

    declaration: D
    plugin: Plugin
    rank: int = 0
    overruled: tuple[Offer[D], ...] = ()

    @property
    def origin(self) -> str:
        """``plugin otlp (distrokit-otlp 0.1.0)``, or the distribution an adapter speaks for."""
        return origin_of(self.declaration) or self.plugin.title


@dataclass
class Shelf(Generic[D]):
    """The offers of one kind, by name.

    Attributes:
        what: how problems call them, for example ``exporter for traces``.
        offers: by lower-case name, in plugin order.
        taken: names that several claim with equal right, with the problem that says so.
    """

    what: str
    offers: dict[str, Offer[D]] = field(default_factory=dict)
    taken: dict[str, Problem] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The names one can pick, as declared."""
        return sorted(offer.declaration.name for offer in self.offers.values())

    def find(self, name: str) -> Offer[D] | None:
        """The offer of this name, whatever the case."""
        return self.offers.get(name.strip().lower())


@dataclass
class Catalogue:
    """All shelves."""

    exporters: dict[Signal, Shelf[Exporter]]
    processors: dict[Signal, Shelf[Processor]]
    staged: dict[Signal, list[Offer[Processor]]]
    samplers: Shelf[Sampler]
    id_generators: Shelf[IdGenerator]
    propagators: Shelf[Propagator]
    detectors: Shelf[ResourceDetector]

    @classmethod
    def of(cls, answers: Mapping[str, list[Answer]], problems: list[Problem]) -> Catalogue:
        """Sort what the declaring hooks returned.

        Names that several claim with equal right are on no shelf. That is a problem at once,
        unless only packages outside the plugins are to blame: then it is one when somebody picks it.
        """
        exporters: list[Offer[Exporter]] = _offers(answers["distrokit_exporters"])
        processors: list[Offer[Processor]] = _offers(answers["distrokit_processors"])
        export = [offer for offer in processors if offer.declaration.stage == "export"]
        detectors = [answer for answer in answers["distrokit_resource"] if isinstance(answer.value, list)]
        catalogue = cls(
            exporters={s: _shelf(f"exporter for {s}", _serving(exporters, s)) for s in SIGNALS},
            processors={s: _shelf(f"processor for {s}", _serving(export, s)) for s in SIGNALS},
            staged={
                s: [offer for offer in _serving(processors, s) if offer.declaration.stage != "export"] for s in SIGNALS
            },
            samplers=_shelf("sampler", _offers(answers["distrokit_samplers"])),
            id_generators=_shelf("id generator", _offers(answers["distrokit_id_generators"])),
            propagators=_shelf("propagator", _offers(answers["distrokit_propagators"])),
            detectors=_shelf("resource detector", _offers(detectors)),
        )
        for shelf in catalogue.shelves():
            problems.extend(p for p in shelf.taken.values() if p.severity == "error" and p not in problems)
        return catalogue

    def shelves(self) -> Iterable[Shelf[Any]]:
        """Every shelf."""
        yield from self.exporters.values()
        yield from self.processors.values()
        yield from (self.samplers, self.id_generators, self.propagators, self.detectors)


def _offers(answers: list[Answer]) -> list[Offer[Any]]:
    return [
        Offer(declaration, answer.plugin, -2 if declaration.fallback else answer.rank)
        for answer in answers
        for declaration in answer.value
    ]


def _serving(offers: list[Offer[Any]], signal: Signal) -> list[Offer[Any]]:
    return [offer for offer in offers if signal in signals_of(offer.declaration)]


def _shelf(what: str, offers: list[Offer[Any]]) -> Shelf[Any]:
    shelf: Shelf[Any] = Shelf(what)
    by_name: dict[str, list[Offer[Any]]] = {}
    for offer in offers:
        by_name.setdefault(offer.declaration.name.lower(), []).append(offer)
    for name, rivals in by_name.items():
        top = max(offer.rank for offer in rivals)
        best = [offer for offer in rivals if offer.rank == top]
        if len(best) > 1:
            shelf.taken[name] = _tie(what, best)
            continue
        gave_way = tuple(offer for offer in rivals if offer.rank < top)
        shelf.offers[name] = Offer(best[0].declaration, best[0].plugin, top, gave_way)
    return shelf


def _tie(what: str, rivals: list[Offer[Any]]) -> Problem:
    who = sorted({offer.origin for offer in rivals})
    outside = all(offer.declaration.fallback for offer in rivals)
    return Problem(
        code="name-taken",
        subject=f"{what} {rivals[0].declaration.name}",
        cause=f"{' and '.join(who)} declare this one name" if len(who) > 1 else f"{who[0]} declares this name twice",
        outcome="none of them is used",
        remedy="Uninstall or block (DISTROKIT_DISABLED_PLUGINS) all but one." if len(who) > 1 else "Rename one.",
        severity="warning" if outside else "error",
    )

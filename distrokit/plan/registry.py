"""What there is to pick from: every plugin's declarations by kind, signal and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from distrokit.declarations import (
    SIGNALS,
    STAGES,
    ComponentKind,
    D,
    Exporter,
    IdGenerator,
    Processor,
    Propagator,
    ResourceDetector,
    ResponsePropagator,
    Sampler,
    Signal,
    origin_of,
    signals_of,
)
from distrokit.diagnostics import Problem
from distrokit.plugins.manager import Answer, Plugin


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
        kind: what they are, for example ``id generator``.
        signal: whose they are; ``None`` where there is no such thing.
        offers: by lower-case name, in plugin order.
        taken: names that several claim with equal right, with the problem that says so.
    """

    kind: ComponentKind
    signal: Signal | None = None
    offers: dict[str, Offer[D]] = field(default_factory=dict)
    taken: dict[str, Problem] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The names one can pick, as declared."""
        return sorted(offer.declaration.name for offer in self.offers.values())

    def find(self, name: str) -> Offer[D] | None:
        """The offer of this name, whatever the case; what is in development is found without saying so, too."""
        name = name.strip().lower()
        return self.offers.get(name) or self.offers.get(name.removesuffix("/development"))


@dataclass
class Catalogue:
    """All shelves, and what is picked by no name.

    Attributes:
        staged: processors of the stages before ``export``.
        attributes: of the resource, as plugins returned them.
        views: likewise.
        refused: names of staged processors that several claim.
    """

    exporters: dict[Signal, Shelf[Exporter]]
    processors: dict[Signal, Shelf[Processor]]
    staged: dict[Signal, list[Offer[Processor]]]
    samplers: Shelf[Sampler]
    id_generators: Shelf[IdGenerator]
    propagators: Shelf[Propagator]
    response_propagators: Shelf[ResponsePropagator]
    detectors: Shelf[ResourceDetector]
    attributes: list[Answer] = field(default_factory=list)
    views: list[Answer] = field(default_factory=list)
    refused: dict[Signal, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Mapping[str, list[Answer]], problems: list[Problem]) -> Catalogue:
        """Sort what the declaring hooks returned.

        Names that several claim with equal right are on no shelf. That is a problem at once,
        unless only packages outside the plugins are to blame: then it is one when somebody picks it.
        """
        exporters: list[Offer[Exporter]] = _offers(answers["distrokit_exporters"])
        processors: list[Offer[Processor]] = _offers(answers["distrokit_processors"])
        resources = answers["distrokit_resource"]
        detectors = [answer for answer in resources if isinstance(answer.value, list)]
        staged = {
            s: [_shelf("processor", _serving(processors, s, stage), s) for stage in STAGES if stage != "export"]
            for s in SIGNALS
        }
        catalogue = cls(
            exporters={s: _shelf("exporter", _serving(exporters, s), s) for s in SIGNALS},
            processors={s: _shelf("processor", _serving(processors, s, "export"), s) for s in SIGNALS},
            staged={s: [offer for shelf in staged[s] for offer in shelf.offers.values()] for s in SIGNALS},
            samplers=_shelf("sampler", _offers(answers["distrokit_samplers"])),
            id_generators=_shelf("id generator", _offers(answers["distrokit_id_generators"])),
            propagators=_shelf("propagator", _offers(answers["distrokit_propagators"])),
            response_propagators=_shelf("response propagator", _offers(answers["distrokit_response_propagators"])),
            detectors=_shelf("resource detector", _offers(detectors)),
            refused={s: {name for shelf in staged[s] for name in shelf.taken} for s in SIGNALS},
            attributes=sorted((a for a in resources if isinstance(a.value, dict)), key=lambda a: -a.rank),
            views=answers["distrokit_views"],
        )
        for shelf in (*catalogue.shelves(), *(shelf for shelves in staged.values() for shelf in shelves)):
            problems.extend(p for p in shelf.taken.values() if p.severity == "error" and p not in problems)
        return catalogue

    def shelf(self, kind: ComponentKind, signal: Signal | None) -> Shelf[Any]:
        """The shelf of a kind; exporters and processors have one per signal."""
        return next(s for s in self.shelves() if s.kind == kind and s.signal in (signal, None))

    def shelves(self) -> Iterable[Shelf[Any]]:
        """Every shelf of what is picked by name."""
        yield from self.exporters.values()
        yield from self.processors.values()
        yield from (self.samplers, self.id_generators, self.propagators, self.response_propagators, self.detectors)


def _offers(answers: list[Answer]) -> list[Offer[Any]]:
    offers = [
        Offer(declaration, answer.plugin, -2 if declaration.fallback else answer.rank)
        for answer in answers
        for declaration in answer.value
    ]
    return sorted(offers, key=lambda offer: -offer.rank)


def _serving(offers: list[Offer[Any]], signal: Signal, stage: str = "") -> list[Offer[Any]]:
    return [
        offer
        for offer in offers
        if signal in signals_of(offer.declaration) and (not stage or offer.declaration.stage == stage)
    ]


def _shelf(kind: ComponentKind, offers: list[Offer[Any]], signal: Signal | None = None) -> Shelf[Any]:
    shelf: Shelf[Any] = Shelf(kind, signal)
    what = f"{kind} for {signal}" if signal else kind
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

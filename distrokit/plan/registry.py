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
    signals_of,
)
from distrokit.diagnostics import Problem
from distrokit.plugins.entry_points import origin_of
from distrokit.plugins.manager import Answer, Plugin


@dataclass(frozen=True)
class Registration(Generic[D]):
    """A declaration and who made it.

    Attributes:
        overridden: the offers of the same name that gave way.
    """

    declaration: D
    plugin: Plugin
    rank: int = 0
    overridden: tuple[Registration[D], ...] = ()

    @property
    def origin(self) -> str:
        """``plugin otlp (distrokit-otlp 0.1.0)``, or the distribution an adapter speaks for."""
        return origin_of(self.declaration) or self.plugin.title


@dataclass
class Registry(Generic[D]):
    """The offers of one kind, by name.

    Attributes:
        kind: what they are, for example ``id generator``.
        signal: whose they are; ``None`` where there is no such thing.
        offers: by lower-case name, in plugin order.
        taken: names that several claim with equal right, with the problem that says so.
    """

    kind: ComponentKind
    signal: Signal | None = None
    registrations: dict[str, Registration[D]] = field(default_factory=dict)
    taken: dict[str, Problem] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The names one can pick, as declared."""
        return sorted(registration.declaration.name for registration in self.registrations.values())

    def find(self, name: str) -> Registration[D] | None:
        """The offer of this name, whatever the case; what is in development is found without saying so, too."""
        name = name.strip().lower()
        return self.registrations.get(name) or self.registrations.get(name.removesuffix("/development"))


@dataclass
class Registries:
    """All shelves, and what is picked by no name.

    Attributes:
        staged: processors of the stages before ``export``.
        attributes: of the resource, as plugins returned them.
        views: likewise.
        refused: names of staged processors that several claim.
    """

    exporters: dict[Signal, Registry[Exporter]]
    processors: dict[Signal, Registry[Processor]]
    staged: dict[Signal, list[Registration[Processor]]]
    samplers: Registry[Sampler]
    id_generators: Registry[IdGenerator]
    propagators: Registry[Propagator]
    response_propagators: Registry[ResponsePropagator]
    detectors: Registry[ResourceDetector]
    attributes: list[Answer] = field(default_factory=list)
    views: list[Answer] = field(default_factory=list)
    refused: dict[Signal, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Mapping[str, list[Answer]], problems: list[Problem]) -> Registries:
        """Sort what the declaring hooks returned.

        Names that several claim with equal right are on no shelf. That is a problem at once,
        unless only packages outside the plugins are to blame: then it is one when somebody picks it.
        """
        exporters: list[Registration[Exporter]] = _registrations(results["distrokit_exporters"])
        processors: list[Registration[Processor]] = _registrations(results["distrokit_processors"])
        resources = results["distrokit_resource"]
        detectors = [result for result in resources if isinstance(result.value, list)]
        staged = {
            s: [_registry("processor", _filter(processors, s, stage), s) for stage in STAGES if stage != "export"]
            for s in SIGNALS
        }
        registries = cls(
            exporters={s: _registry("exporter", _filter(exporters, s), s) for s in SIGNALS},
            processors={s: _registry("processor", _filter(processors, s, "export"), s) for s in SIGNALS},
            staged={
                s: [registration for registry in staged[s] for registration in registry.registrations.values()]
                for s in SIGNALS
            },
            samplers=_registry("sampler", _registrations(results["distrokit_samplers"])),
            id_generators=_registry("id generator", _registrations(results["distrokit_id_generators"])),
            propagators=_registry("propagator", _registrations(results["distrokit_propagators"])),
            response_propagators=_registry(
                "response propagator", _registrations(results["distrokit_response_propagators"])
            ),
            detectors=_registry("resource detector", _registrations(detectors)),
            refused={s: {name for registry in staged[s] for name in registry.taken} for s in SIGNALS},
            attributes=sorted((a for a in resources if isinstance(a.value, dict)), key=lambda a: -a.rank),
            views=results["distrokit_views"],
        )
        for registry in (
            *registries.registries(),
            *(registry for registries in staged.values() for registry in registries),
        ):
            problems.extend(p for p in registry.taken.values() if p.severity == "error" and p not in problems)
        return registries

    def registry(self, kind: ComponentKind, signal: Signal | None) -> Registry[Any]:
        """The shelf of a kind; exporters and processors have one per signal."""
        return next(s for s in self.registries() if s.kind == kind and s.signal in (signal, None))

    def registries(self) -> Iterable[Registry[Any]]:
        """Every shelf of what is picked by name."""
        yield from self.exporters.values()
        yield from self.processors.values()
        yield from (self.samplers, self.id_generators, self.propagators, self.response_propagators, self.detectors)


def _registrations(results: list[Answer]) -> list[Registration[Any]]:
    registrations = [
        Registration(declaration, result.plugin, -2 if declaration.fallback else result.rank)
        for result in results
        for declaration in result.value
    ]
    return sorted(registrations, key=lambda registration: -registration.rank)


def _filter(registrations: list[Registration[Any]], signal: Signal, stage: str = "") -> list[Registration[Any]]:
    return [
        registration
        for registration in registrations
        if signal in signals_of(registration.declaration) and (not stage or registration.declaration.stage == stage)
    ]


def _registry(
    kind: ComponentKind, registrations: list[Registration[Any]], signal: Signal | None = None
) -> Registry[Any]:
    registry: Registry[Any] = Registry(kind, signal)
    what = f"{kind} for {signal}" if signal else kind
    by_name: dict[str, list[Registration[Any]]] = {}
    for registration in registrations:
        by_name.setdefault(registration.declaration.name.lower(), []).append(registration)
    for name, rivals in by_name.items():
        top = max(registration.rank for registration in rivals)
        best = [registration for registration in rivals if registration.rank == top]
        if len(best) > 1:
            registry.taken[name] = _name_taken(what, best)
            continue
        overridden = tuple(registration for registration in rivals if registration.rank < top)
        registry.registrations[name] = Registration(best[0].declaration, best[0].plugin, top, overridden)
    return registry


def _name_taken(what: str, rivals: list[Registration[Any]]) -> Problem:
    owners = sorted({registration.origin for registration in rivals})
    only_adapted = all(registration.declaration.fallback for registration in rivals)
    return Problem(
        code="name-taken",
        subject=f"{what} {rivals[0].declaration.name}",
        cause=f"{' and '.join(owners)} declare the same name"
        if len(owners) > 1
        else f"{owners[0]} declares this name twice",
        outcome="none of them is used",
        remedy="Uninstall or block (DISTROKIT_DISABLED_PLUGINS) all but one." if len(owners) > 1 else "Rename one.",
        severity="warning" if only_adapted else "error",
    )

"""The declarations of all plugins by kind, signal and name."""

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
    PolicyProvider,
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
from distrokit.plugins.manager import HookResult, Plugin


@dataclass(frozen=True)
class Registration(Generic[D]):
    """A declaration with the plugin that made it.

    Attributes:
        overridden: registrations of the same name and lower rank.
    """

    declaration: D
    plugin: Plugin
    rank: int = 0
    overridden: tuple[Registration[D], ...] = ()

    @property
    def origin(self) -> str:
        """``plugin otlp (distrokit-otlp 0.1.0)``, or the distribution that publishes an adapted component."""
        return origin_of(self.declaration) or self.plugin.title


@dataclass
class Registry(Generic[D]):
    """The registrations of one kind, by name.

    Attributes:
        kind: for example ``id generator``.
        signal: ``None`` for kinds that do not belong to a signal.
        registrations: by lower-case name, in plugin order.
        taken: names that several declarations of equal rank have, each with its problem.
    """

    kind: ComponentKind
    signal: Signal | None = None
    registrations: dict[str, Registration[D]] = field(default_factory=dict)
    taken: dict[str, Problem] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return the names as declared."""
        return sorted(registration.declaration.name for registration in self.registrations.values())

    def find(self, name: str) -> Registration[D] | None:
        """Return the registration of this name, in any case, with or without ``/development``."""
        name = name.strip().lower()
        return self.registrations.get(name) or self.registrations.get(name.removesuffix("/development"))


@dataclass
class Registries:
    """All registries, and what plugins contribute without a name.

    Attributes:
        staged: processors of the stages before ``export``.
        attributes: resource attributes as plugins returned them.
        views: views as plugins returned them.
        refused: names of staged processors that several declarations of equal rank have.
        required: names of staged processors that a declaration requires, used or not, with that plugin's label.
    """

    exporters: dict[Signal, Registry[Exporter]]
    processors: dict[Signal, Registry[Processor]]
    staged: dict[Signal, list[Registration[Processor]]]
    samplers: Registry[Sampler]
    id_generators: Registry[IdGenerator]
    propagators: Registry[Propagator]
    response_propagators: Registry[ResponsePropagator]
    detectors: Registry[ResourceDetector]
    policies: Registry[PolicyProvider]
    attributes: list[HookResult] = field(default_factory=list)
    views: list[HookResult] = field(default_factory=list)
    refused: dict[Signal, set[str]] = field(default_factory=dict)
    required: dict[Signal, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Mapping[str, list[HookResult]], problems: list[Problem]) -> Registries:
        """Sort the results of the declaring hooks.

        A name that several declarations of equal rank have is in no registry. That is a problem immediately, or,
        if all of them are adapted from other packages, when the name is selected.
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
            policies=_registry("policy provider", _registrations(results["distrokit_policies"])),
            refused={s: {name for registry in staged[s] for name in registry.taken} for s in SIGNALS},
            required={
                s: {
                    registration.declaration.name.lower(): registration.plugin.label
                    for registration in _filter(processors, s)
                    if registration.declaration.required and registration.declaration.default
                }
                for s in SIGNALS
            },
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
        """Return the registry of a kind; exporters and processors have one per signal."""
        return next(s for s in self.registries() if s.kind == kind and s.signal in (signal, None))

    def registries(self) -> Iterable[Registry[Any]]:
        """Yield every registry."""
        yield from self.exporters.values()
        yield from self.processors.values()
        yield from (self.samplers, self.id_generators, self.propagators, self.response_propagators, self.detectors)
        yield self.policies


def _registrations(results: list[HookResult]) -> list[Registration[Any]]:
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
    # One plugin adapts what several packages publish; blocking it would leave out all of them.
    one_plugin = len({registration.plugin.name for registration in rivals}) == 1
    remedy = "Uninstall all but one." if one_plugin else "Uninstall or block (DISTROKIT_DISABLED_PLUGINS) all but one."
    return Problem(
        code="name-taken",
        subject=f"{what} {rivals[0].declaration.name}",
        cause=" and ".join(owners) + (" declare the same name" if len(owners) > 1 else " declares this name twice"),
        outcome="none of them is used",
        remedy=remedy if len(owners) > 1 else "Rename one.",
        severity="warning" if only_adapted else "error",
    )

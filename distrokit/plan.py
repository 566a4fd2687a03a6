"""The plan: one plain, typed, printable value that says what will be built, and why.

Everything in it knows its source. ``distrokit explain`` prints it, ``distrokit_plan`` amends it,
:mod:`distrokit.pipeline` builds it; nothing here imports OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar

from distrokit.declarations import (
    SIGNALS,
    STAGES,
    Exporter,
    IdGenerator,
    Processor,
    Propagator,
    ResourceDetector,
    Sampler,
    Signal,
    origin_of,
)
from distrokit.diagnostics import Mask, Problem
from distrokit.entry_points import distribution_of, version_of
from distrokit.plugins import Plugin
from distrokit.settings import BUILT_IN, Settings, Source, Value

D = TypeVar("D", Exporter, Processor, Sampler, IdGenerator, Propagator, ResourceDetector)

#: Version of the shape of :meth:`Plan.describe`.
SCHEMA = 1

_PROBLEM_FIELDS = ("code", "severity", "subject", "cause", "outcome", "remedy")


@dataclass
class Component(Generic[D]):
    """A declaration that was picked.

    Attributes:
        declaration: what will be built.
        plugin: who declared it: ``otlp 0.1.0``.
        source: who picked it.
        parameters: what it will be given.
        overruled: what gave way to it; each tells who it was when called, since that reads files.
    """

    declaration: D
    plugin: str
    source: Source = BUILT_IN
    parameters: dict[str, Value[Any]] = field(default_factory=dict)
    overruled: tuple[Callable[[], str], ...] = ()

    @property
    def name(self) -> str:
        """The name it was picked by."""
        return self.declaration.name

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters as plain values."""
        return {name: value.value for name, value in self.parameters.items()}

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data, secrets masked."""
        return {
            "name": self.name,
            "plugin": self.plugin,
            "origin": origin_of(self.declaration) or None,
            "source": str(self.source),
            "parameters": {name: _described(value) for name, value in self.parameters.items()},
            "overruled": [who() for who in self.overruled],
        }


@dataclass
class ExporterPlan:
    """An exporter and the processor that feeds it.

    Attributes:
        processor: ``None`` for one that is scraped, or that nothing feeds.
    """

    exporter: Component[Exporter]
    processor: Component[Processor] | None = None

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {**self.exporter.describe(), "processor": self.processor.describe() if self.processor else None}


@dataclass
class SignalPlan:
    """One signal's pipeline.

    Attributes:
        processors: of the stages before ``export``, in the order they run.
        exporters: side by side, at the end.
        source: who chose the exporters; ``None`` when nobody did.
    """

    signal: Signal
    processors: list[Component[Processor]] = field(default_factory=list)
    exporters: list[ExporterPlan] = field(default_factory=list)
    source: Source | None = None

    def at(self, stage: str) -> list[Component[Processor]]:
        """The processors of one stage."""
        return [processor for processor in self.processors if processor.declaration.stage == stage]

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "source": str(self.source) if self.source else None,
            **{stage: [p.describe() for p in self.at(stage)] for stage in STAGES if stage != "export"},
            "export": [exporter.describe() for exporter in self.exporters],
        }


@dataclass
class ResourcePlan:
    """Who this process is.

    Attributes:
        attributes: what is known already.
        detectors: what will be asked; weaker than ``attributes``, the first in order wins.
        timeout_millis: how long all detectors together may take, in milliseconds.
    """

    attributes: dict[str, Value[Any]] = field(default_factory=dict)
    detectors: list[Component[ResourceDetector]] = field(default_factory=list)
    timeout_millis: Value[int] = field(default_factory=lambda: Value(2000, BUILT_IN))

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "attributes": {name: _described(value) for name, value in self.attributes.items()},
            "detectors": [detector.describe() for detector in self.detectors],
            "timeout_millis": _described(self.timeout_millis),
        }


@dataclass
class InstrumentationPlan:
    """One instrumentation.

    Attributes:
        name: as ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS`` says it.
        enabled: whether it is applied.
        why: the reason it is off, or failed; empty when there is nothing to say.
        source: who decided.
        options: keywords for its ``instrument()``.
        replacement: called in place of the instrumentor's class; ``None`` for its own.
        when: when it is applied; ``start`` is before the application's first line.
        applied: whether it has been.
        point: the entry point; ``None`` only in a plan that was made by hand.
    """

    name: str
    enabled: bool = True
    why: str = ""
    source: Source = BUILT_IN
    options: dict[str, Any] = field(default_factory=dict)
    replacement: Callable[[], Any] | None = None
    when: str = "start"
    applied: bool = False
    point: EntryPoint | None = None

    @property
    def distribution(self) -> str:
        """The name of the distribution that has it."""
        return distribution_of(self.point) if self.point else ""

    @property
    def version(self) -> str:
        """The version of that distribution."""
        return version_of(self.point) if self.point else ""

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data; options are shown by name only, their values may be anything."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "enabled": self.enabled,
            "why": self.why,
            "source": str(self.source),
            "options": sorted(self.options),
            "replaced_by": getattr(self.replacement, "__qualname__", repr(self.replacement))
            if self.replacement
            else None,
            "when": self.when,
        }


@dataclass(frozen=True)
class Change:
    """What a plugin's ``distrokit_plan`` changed.

    Attributes:
        plugin: its label.
        path: where in :meth:`Plan.describe`, dotted.
        before, after: as shown there; ``None`` for what was not there.
    """

    plugin: str
    path: str
    before: Any
    after: Any


@dataclass
class Plan:
    """See the module.

    Attributes:
        disabled: true builds nothing at all.
        sampler: ``None`` for the SDK's default, ``parentbased_always_on``.
        id_generator: ``None`` for the SDK's default, random ids.
        propagators: ``None`` leaves OpenTelemetry's own choice alone.
        instrumentations: by name.
        problems: everything that was not as it should be, so far.
        changes: what plugins amended.
    """

    settings: Settings
    disabled: Value[bool] = field(default_factory=lambda: Value(False, BUILT_IN))
    plugins: list[Plugin] = field(default_factory=list)
    resource: ResourcePlan = field(default_factory=ResourcePlan)
    sampler: Component[Sampler] | None = None
    id_generator: Component[IdGenerator] | None = None
    propagators: list[Component[Propagator]] | None = None
    signals: dict[Signal, SignalPlan] = field(default_factory=lambda: {s: SignalPlan(s) for s in SIGNALS})
    instrumentations: dict[str, InstrumentationPlan] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """The plan as JSON-ready data, secrets masked; ``schema`` says which shape."""
        return {
            "schema": SCHEMA,
            "disabled": _described(self.disabled),
            "plugins": [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "status": plugin.status,
                    "cause": plugin.cause,
                    "hooks": list(plugin.hooks),
                }
                for plugin in self.plugins
            ],
            "resource": self.resource.describe(),
            "sampler": self.sampler.describe() if self.sampler else None,
            "id_generator": self.id_generator.describe() if self.id_generator else None,
            "propagators": None if self.propagators is None else [p.describe() for p in self.propagators],
            "signals": {signal: planned.describe() for signal, planned in self.signals.items()},
            "instrumentations": {name: planned.describe() for name, planned in self.instrumentations.items()},
            "problems": [
                {name: self.settings.mask(str(getattr(problem, name))) for name in _PROBLEM_FIELDS}
                for problem in self.problems
            ],
            "changes": [vars(change) for change in self.changes],
        }

    def parts(self) -> Plan:
        """A copy whose containers are its own, so a plugin's changes can be taken back."""
        plan = copy(self)
        plan.resource = _copied(self.resource)
        plan.resource.detectors = [_copied(detector) for detector in self.resource.detectors]
        plan.sampler = _copied(self.sampler)
        plan.id_generator = _copied(self.id_generator)
        plan.propagators = None if self.propagators is None else [_copied(p) for p in self.propagators]
        plan.signals = {signal: _copied(planned) for signal, planned in self.signals.items()}
        for planned in plan.signals.values():
            planned.processors = [_copied(processor) for processor in planned.processors]
            planned.exporters = [ExporterPlan(_copied(e.exporter), _copied(e.processor)) for e in planned.exporters]
        plan.instrumentations = {name: _copied(planned) for name, planned in self.instrumentations.items()}
        return plan


N = TypeVar("N")


def _copied(node: N) -> N:
    """The node, with its own dicts and lists; declarations and values are immutable and shared."""
    if node is None:
        return node
    twin = copy(node)
    for name, value in vars(node).items():
        if isinstance(value, (dict, list)):
            setattr(twin, name, copy(value))
    return twin


def _described(value: Value[Any]) -> dict[str, Any]:
    shown = value.printable()
    if not isinstance(shown, (str, int, float, bool, list, tuple, Mapping, type(None))):
        shown = repr(shown)
    return {
        "value": shown,
        "source": str(value.source),
        "overruled": [{"value": Mask()(text), "source": str(source)} for text, source in value.overruled],
    }

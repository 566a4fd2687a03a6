"""The plan: one plain, typed, printable value that describes the pipeline to build, with the source of each value.

``distrokit explain`` prints it, ``distrokit_plan`` modifies it, :mod:`distrokit.pipeline.pipeline` builds it.
Nothing here imports OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

from distrokit.declarations import (
    SIGNALS,
    D,
    IdGenerator,
    PolicyProvider,
    Processor,
    Propagator,
    ResponsePropagator,
    Sampler,
    Setting,
    Signal,
    signals_of,
)
from distrokit.diagnostics import Problem
from distrokit.plan.components import (
    Change,
    Component,
    ExporterPlan,
    PolicyPlan,
    ResourcePlan,
    SignalPlan,
    ViewPlan,
    copy_node,
    default_propagators,
    default_sampler,
    describe_value,
)
from distrokit.plan.instrumentations import InstrumentationPlan, Instrumentations
from distrokit.plugins.candidates import Plugin
from distrokit.plugins.distros import ActiveDistro, default
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN, Source, Value

__all__ = [
    "Change",
    "Component",
    "ExporterPlan",
    "InstrumentationPlan",
    "Plan",
    "PolicyPlan",
    "ResourcePlan",
    "SignalPlan",
    "ViewPlan",
]

#: Version of the shape of :meth:`Plan.describe`.
SCHEMA = 2

_PROBLEM_FIELDS = ("code", "severity", "subject", "cause", "outcome", "remedy")


class NewComponent(Protocol):
    """Make a component of a declaration, unless its parameters refuse it; return it with their problems."""

    def __call__(
        self, settings: Settings, hook: str, declaration: D, /
    ) -> tuple[Component[D] | None, list[Problem]]: ...


@dataclass
class Plan:
    """The pipeline to build, with the source of every value.

    Attributes:
        distro: the active distro.
        disabled: true builds propagators only; instrumentations are applied but record nothing.
        lazy: true starts telemetry at its first use, and applies an instrumentation when its library is imported; false
            does all of it at the start of the process.
        tracer: ``distrokit`` or ``sdk``, the implementation of the tracers.
        sampler: ``None`` for the SDK's default, ``parentbased_always_on``.
        id_generator: ``None`` for the SDK's default, random ids.
        propagators: ``None`` keeps OpenTelemetry's default.
        response_propagators: in the order in which they run; an empty list keeps the application's own.
        configuration: path of the configuration file; ``None`` without one.
        views: of the metrics signal, in order.
        sdk_settings: values to set in ``os.environ``, where the SDK reads them; ``None`` unsets a setting whose
            value is invalid.
        instrumentations: by name, in the order in which they are applied; a missing name raises a ``KeyError`` with a
            suggestion.
        late_processors: the place of processors that are added after the start: ``behind``, ``refuse`` or ``raw``.
        required: the processors without which their signals are not exported, by name in lower case, with who requires
            them.
        policy_providers: in the order of their priority.
        policies: the telemetry policies that are known when the plan is made; they may change while the process runs.
        exit_timeout_millis: time limit for flush and shutdown at exit, for all signals together, in milliseconds.
        known: the settings that core and plugins read.
        problems: all problems found so far.
        changes: what plugins changed.
        new_component: makes components for the plugin whose ``distrokit_plan`` is being called; ``None`` at any other
            time.
    """

    settings: Settings
    distro: ActiveDistro = field(default_factory=default)
    disabled: Value[bool] = field(default_factory=lambda: Value(False, BUILT_IN))
    lazy: Value[bool] = field(default_factory=lambda: Value(True, BUILT_IN))
    plugins: list[Plugin] = field(default_factory=list)
    resource: ResourcePlan = field(default_factory=ResourcePlan)
    tracer: Value[str] = field(default_factory=lambda: Value("distrokit", BUILT_IN))
    sampler: Component[Sampler] | None = None
    id_generator: Component[IdGenerator] | None = None
    propagators: list[Component[Propagator]] | None = None
    response_propagators: list[Component[ResponsePropagator]] = field(default_factory=list)
    signals: dict[Signal, SignalPlan] = field(default_factory=lambda: {s: SignalPlan(s) for s in SIGNALS})
    configuration: str | None = None
    views: list[ViewPlan] = field(default_factory=list)
    sdk_settings: dict[str, str | None] = field(default_factory=dict)
    instrumentations: dict[str, InstrumentationPlan] = field(default_factory=Instrumentations)
    late_processors: Value[str] = field(default_factory=lambda: Value("behind", BUILT_IN))
    required: dict[str, Source] = field(default_factory=dict)
    policy_providers: list[Component[PolicyProvider]] = field(default_factory=list)
    policies: list[PolicyPlan] = field(default_factory=list)
    exit_timeout_millis: Value[int] = field(default_factory=lambda: Value(5000, BUILT_IN))
    known: tuple[Setting, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    new_component: NewComponent | None = None

    def wrap_sampler(self, sampler: Sampler) -> None:
        """Put a sampler around the current one; for ``distrokit_plan``.

        Its factory gets the inner sampler, built, as ``context.arguments["inner"]``. If the outer sampler cannot be
        built, the inner one is used. If the inner one cannot be built, ``parentbased_always_on`` takes its place.

        Args:
            sampler: a declaration; no hook needs to return it. Its ``parameters`` are read immediately.

        Raises:
            TypeError: ``sampler`` is not a ``Sampler`` declaration.
        """
        component = self._new("distrokit_samplers", Sampler, sampler, "plan.wrap_sampler")
        if component is None:
            return
        inner = self.sampler or default_sampler()
        component.parameters["inner"] = Value(inner, inner.source)
        component.wraps = True
        self.sampler = component

    def add_processor(self, processor: Processor) -> None:
        """Add a processor of a stage before ``export`` to its signals, as the first one of it; for ``distrokit_plan``.

        It runs whether a configuration file names it or not.

        Args:
            processor: a declaration; no hook needs to return it. Its ``parameters`` are read immediately.

        Raises:
            TypeError: ``processor`` is not a ``Processor`` declaration.
            ValueError: it is for the stage ``export``.
        """
        component = self._new("distrokit_processors", Processor, processor, "plan.add_processor")
        if processor.stage == "export":
            raise ValueError("plan.add_processor takes processors of the stages before export")
        if component is not None:
            for signal in signals_of(processor):
                self.signals[signal].processors.insert(0, copy_node(component))

    def add_propagator(self, propagator: Propagator) -> None:
        """Append a propagator to the planned ones; for ``distrokit_plan``.

        Without selected propagators it follows the default ones, ``tracecontext`` and ``baggage``. If one of the same
        name is planned already, nothing changes.

        Args:
            propagator: a declaration; no hook needs to return it. Its ``parameters`` are read immediately.

        Raises:
            TypeError: ``propagator`` is not a ``Propagator`` declaration.
        """
        component = self._new("distrokit_propagators", Propagator, propagator, "plan.add_propagator")
        if component is None:
            return
        if self.propagators is None:
            self.propagators = default_propagators()
        if propagator.name.lower() not in [planned.name.lower() for planned in self.propagators]:
            self.propagators.append(component)

    def _new(self, hook: str, kind: type[D], declaration: D, method: str) -> Component[D] | None:
        """Make a component for the plugin that is modifying the plan."""
        if not isinstance(declaration, kind):
            raise TypeError(f"{method} takes a distrokit.{kind.__name__}, not {type(declaration).__name__}")
        if self.new_component is None:
            raise RuntimeError(f"{method} is called in distrokit_plan only")
        component, problems = self.new_component(self.settings, hook, declaration)
        self.problems.extend(problem for problem in problems if problem not in self.problems)
        return component

    def describe(self) -> dict[str, Any]:
        """Return the plan as JSON-ready data with secrets masked; ``schema`` is the version of its shape."""
        return {
            "schema": SCHEMA,
            "distro": self.distro.describe(),
            "disabled": describe_value(self.disabled),
            "lazy": describe_value(self.lazy),
            "configuration": self.configuration,
            "ignored": self.settings.set_in_vain(),
            "plugins": [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "status": plugin.status,
                    "cause": self.settings.mask(plugin.cause),
                    "hooks": list(plugin.hooks),
                }
                for plugin in self.plugins
            ],
            "resource": self.resource.describe(),
            "tracer": describe_value(self.tracer),
            "sampler": self.sampler.describe() if self.sampler else None,
            "id_generator": self.id_generator.describe() if self.id_generator else None,
            "propagators": None if self.propagators is None else [p.describe() for p in self.propagators],
            "response_propagators": [p.describe() for p in self.response_propagators],
            "signals": {signal: planned.describe() for signal, planned in self.signals.items()},
            "views": [view.describe() for view in self.views],
            "late_processors": describe_value(self.late_processors),
            "policy_providers": [provider.describe() for provider in self.policy_providers],
            "policies": [policy.describe() for policy in self.policies],
            "required": {name: str(source) for name, source in self.required.items()},
            "exit_timeout_millis": describe_value(self.exit_timeout_millis),
            "sdk_settings": dict(self.sdk_settings),
            "instrumentations": {
                name: {**planned.describe(), "why": self.settings.mask(planned.why)}
                for name, planned in self.instrumentations.items()
            },
            "problems": [
                {name: self.settings.mask(str(getattr(problem, name))) for name in _PROBLEM_FIELDS}
                for problem in self.problems
            ],
            "changes": [vars(change) for change in self.changes],
        }

    def components(self) -> Iterator[Component[Any]]:
        """Yield every selected component; a component inside another one is among its parameters."""
        yield from filter(None, (self.sampler, self.id_generator))
        yield from self.resource.detectors
        yield from self.propagators or ()
        yield from self.response_propagators
        for planned in self.signals.values():
            yield from planned.processors
            for item in planned.exporters:
                yield item.exporter
                if item.processor is not None:
                    yield item.processor

    def copy(self) -> Plan:
        """Return a copy with its own containers, so that a plugin's changes can be discarded."""
        plan = copy(self)
        plan.problems, plan.plugins = list(self.problems), list(self.plugins)
        plan.sdk_settings, plan.required = dict(self.sdk_settings), dict(self.required)
        plan.views = [copy_node(view) for view in self.views]
        plan.policy_providers = [copy_node(provider) for provider in self.policy_providers]
        plan.policies = list(self.policies)
        plan.resource = copy_node(self.resource)
        plan.resource.detectors = [copy_node(detector) for detector in self.resource.detectors]
        plan.sampler = copy_node(self.sampler)
        plan.id_generator = copy_node(self.id_generator)
        plan.propagators = None if self.propagators is None else [copy_node(p) for p in self.propagators]
        plan.response_propagators = [copy_node(p) for p in self.response_propagators]
        plan.signals = {signal: copy_node(planned) for signal, planned in self.signals.items()}
        for planned in plan.signals.values():
            planned.processors = [copy_node(processor) for processor in planned.processors]
            planned.exporters = [
                ExporterPlan(copy_node(e.exporter), copy_node(e.processor), e.cardinality_limits)
                for e in planned.exporters
            ]
        plan.instrumentations = Instrumentations((name, copy_node(one)) for name, one in self.instrumentations.items())
        return plan

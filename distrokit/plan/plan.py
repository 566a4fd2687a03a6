"""The plan: one plain, typed, printable value that says what will be built, and why.

Everything in it knows its source. ``distrokit explain`` prints it, ``distrokit_plan`` amends it,
:mod:`distrokit.pipeline.pipeline` builds it; nothing here imports OpenTelemetry.
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
    Propagator,
    ResponsePropagator,
    Sampler,
    Setting,
    Signal,
)
from distrokit.diagnostics import Problem
from distrokit.plan.instrumentations import InstrumentationPlan, Instrumentations
from distrokit.plan.parts import (
    Change,
    Component,
    ExporterPlan,
    ResourcePlan,
    SignalPlan,
    ViewPlan,
    copy_node,
    default_propagators,
    default_sampler,
    describe_value,
)
from distrokit.plugins.candidates import Plugin
from distrokit.plugins.distros import ActiveDistro, default
from distrokit.settings.layers import Settings
from distrokit.settings.values import BUILT_IN, Value

__all__ = [
    "Change",
    "Component",
    "ExporterPlan",
    "InstrumentationPlan",
    "Plan",
    "ResourcePlan",
    "SignalPlan",
    "ViewPlan",
]

#: Version of the shape of :meth:`Plan.describe`.
SCHEMA = 2

_PROBLEM_FIELDS = ("code", "severity", "subject", "cause", "outcome", "remedy")


class NewComponent(Protocol):
    """Makes a component of a declaration; also returns the problems of its parameters."""

    def __call__(self, settings: Settings, hook: str, declaration: D, /) -> tuple[Component[D], list[Problem]]: ...


@dataclass
class Plan:
    """See the module.

    Attributes:
        distro: whose plan it is.
        disabled: true builds propagators only; instrumentations are applied, and record nothing.
        sampler: ``None`` for the SDK's default, ``parentbased_always_on``.
        id_generator: ``None`` for the SDK's default, random ids.
        propagators: ``None`` leaves OpenTelemetry's own choice alone.
        response_propagators: in the order in which they run; with none, what the application has set is left alone.
        configuration: the configuration file; ``None`` without one.
        views: of the metrics signal, in order.
        sdk_settings: what the SDK, which reads settings itself, shall find in ``os.environ`` instead of
            what is there; ``None`` for a setting that cannot be used.
        instrumentations: by name, in the order they are applied; the ``KeyError`` of one that is not there says so.
        exit_timeout_millis: what the end of the process may take, for all signals together, in milliseconds.
        known: the settings that core and plugins read.
        problems: everything that was not as it should be, so far.
        changes: what plugins amended.
        amending: the label of the plugin whose ``distrokit_plan`` is being called; empty at any other time.
    """

    settings: Settings
    distro: ActiveDistro = field(default_factory=default)
    disabled: Value[bool] = field(default_factory=lambda: Value(False, BUILT_IN))
    plugins: list[Plugin] = field(default_factory=list)
    resource: ResourcePlan = field(default_factory=ResourcePlan)
    sampler: Component[Sampler] | None = None
    id_generator: Component[IdGenerator] | None = None
    propagators: list[Component[Propagator]] | None = None
    response_propagators: list[Component[ResponsePropagator]] = field(default_factory=list)
    signals: dict[Signal, SignalPlan] = field(default_factory=lambda: {s: SignalPlan(s) for s in SIGNALS})
    configuration: str | None = None
    views: list[ViewPlan] = field(default_factory=list)
    sdk_settings: dict[str, str | None] = field(default_factory=dict)
    instrumentations: dict[str, InstrumentationPlan] = field(default_factory=Instrumentations)
    exit_timeout_millis: Value[int] = field(default_factory=lambda: Value(5000, BUILT_IN))
    known: tuple[Setting, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    new_component: NewComponent | None = None

    def wrap_sampler(self, sampler: Sampler) -> None:
        """Put a sampler around whatever samples now; for ``distrokit_plan``.

        Its factory finds the inner one built, as ``context.arguments["inner"]``. One that cannot be built is left out,
        and the inner one samples; where the inner one cannot be built, ``parentbased_always_on`` is inside.

        Args:
            sampler: a declaration; it need not be declared anywhere else. Its ``parameters`` are read at once.

        Raises:
            TypeError: it is no declaration of a sampler.
        """
        component = self._new("distrokit_samplers", Sampler, sampler, "plan.wrap_sampler")
        inner = self.sampler or default_sampler()
        component.parameters["inner"] = Value(inner, inner.source)
        component.wraps = True
        self.sampler = component

    def add_propagator(self, propagator: Propagator) -> None:
        """Run a propagator after those that run now, whoever chose them; for ``distrokit_plan``.

        Where nobody chose any, these are ``tracecontext`` and ``baggage``. One of that name that is planned stays.

        Args:
            propagator: a declaration; it need not be declared anywhere else. Its ``parameters`` are read at once.

        Raises:
            TypeError: it is no declaration of a propagator.
        """
        component = self._new("distrokit_propagators", Propagator, propagator, "plan.add_propagator")
        if self.propagators is None:
            self.propagators = default_propagators()
        if propagator.name.lower() not in [planned.name.lower() for planned in self.propagators]:
            self.propagators.append(component)

    def _new(self, hook: str, kind: type[D], declaration: D, method: str) -> Component[D]:
        """A component that the plugin adds which is modifying the plan."""
        if not isinstance(declaration, kind):
            raise TypeError(f"{method} takes a distrokit.{kind.__name__}, not {type(declaration).__name__}")
        if self.new_component is None:
            raise RuntimeError(f"{method} is called in distrokit_plan only")
        component, problems = self.new_component(self.settings, hook, declaration)
        self.problems.extend(problem for problem in problems if problem not in self.problems)
        return component

    def describe(self) -> dict[str, Any]:
        """The plan as JSON-ready data, secrets masked; ``schema`` says which shape."""
        return {
            "schema": SCHEMA,
            "distro": self.distro.describe(),
            "disabled": describe_value(self.disabled),
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
            "sampler": self.sampler.describe() if self.sampler else None,
            "id_generator": self.id_generator.describe() if self.id_generator else None,
            "propagators": None if self.propagators is None else [p.describe() for p in self.propagators],
            "response_propagators": [p.describe() for p in self.response_propagators],
            "signals": {signal: planned.describe() for signal, planned in self.signals.items()},
            "views": [view.describe() for view in self.views],
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
        """Every component that was picked; what is inside one is among its parameters."""
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

    def parts(self) -> Plan:
        """A copy whose containers are its own, so a plugin's changes can be taken back."""
        plan = copy(self)
        plan.problems, plan.plugins = list(self.problems), list(self.plugins)
        plan.sdk_settings = dict(self.sdk_settings)
        plan.views = [copy_node(view) for view in self.views]
        plan.resource = copy_node(self.resource)
        plan.resource.detectors = [copy_node(detector) for detector in self.resource.detectors]
        plan.sampler = copy_node(self.sampler)
        plan.id_generator = copy_node(self.id_generator)
        plan.propagators = None if self.propagators is None else [copy_node(p) for p in self.propagators]
        plan.response_propagators = [copy_node(p) for p in self.response_propagators]
        plan.signals = {signal: copy_node(planned) for signal, planned in self.signals.items()}
        for planned in plan.signals.values():
            planned.processors = [copy_node(processor) for processor in planned.processors]
            planned.exporters = [ExporterPlan(copy_node(e.exporter), copy_node(e.processor)) for e in planned.exporters]
        plan.instrumentations = Instrumentations((name, copy_node(one)) for name, one in self.instrumentations.items())
        return plan

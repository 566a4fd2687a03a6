"""Choices and declarations into a draft of the plan: every name resolved, every parameter read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from distrokit.declarations import SIGNALS, Exporter, Processor, ResourceDetector, ResponsePropagator, Signal
from distrokit.diagnostics import Problem, did_you_mean
from distrokit.plan.component_resolver import ComponentResolver, how_to_get_defaults
from distrokit.plan.plan import Component, ExporterPlan, Plan, ResourcePlan, SignalPlan, ViewPlan
from distrokit.plan.registry import Registries
from distrokit.plan.selection.from_settings import PROPAGATORS
from distrokit.plan.selection.model_settings import not_done
from distrokit.plan.selection.selection import Choice, SelectedExport, Selection
from distrokit.plan.selection.views import fault_of
from distrokit.plugins.entry_points import EntryPoints, distribution_of
from distrokit.settings.reader import Reader
from distrokit.settings.values import BUILT_IN, Source, Value

PROCESSOR_SETTING: dict[Signal, str] = {
    "traces": "DISTROKIT_TRACES_PROCESSOR",
    "metrics": "DISTROKIT_METRICS_READER",
    "logs": "DISTROKIT_LOGS_PROCESSOR",
}

#: Upstream's settings for switching scopes off, and the groups their values are published in.
CONFIGURATORS: dict[Signal, tuple[str, str]] = {
    "traces": ("OTEL_PYTHON_TRACER_CONFIGURATOR", "_opentelemetry_tracer_configurator"),
    "metrics": ("OTEL_PYTHON_METER_CONFIGURATOR", "_opentelemetry_meter_configurator"),
    "logs": ("OTEL_PYTHON_LOGGER_CONFIGURATOR", "_opentelemetry_logger_configurator"),
}

#: Detectors that say what any telemetry must say; whoever names others, gets these as well.
ALWAYS = ("service_instance", "distro")


class PlanResolver:
    """Fills a plan.

    Args:
        plan: empty; ``plan.problems`` receives what could not be picked.
        installed: where OpenTelemetry itself looks for propagators.
    """

    def __init__(self, plan: Plan, registries: Registries, installed: EntryPoints, choices: Selection) -> None:
        self.plan = plan
        self.choices = choices
        self.registries = registries
        self.installed = installed
        self.resolver = ComponentResolver(plan.settings, registries, plan.problems, plan.plugins)

    def make(self) -> None:
        """Every part, in the order in which they are built."""
        self._resource()
        self._components()
        for signal in SIGNALS:
            planned = self.plan.signals[signal]
            planned.scopes = list(self.choices.scopes[signal])
            planned.source = self.choices.sources.get(signal)
            planned.built = self.choices.exports[signal] is not None
            self._configurator(planned)
            if planned.built:
                self._staged(planned)
                self._exporters(planned)
        self._views()
        unset = [signal for signal in SIGNALS if self.plan.signals[signal].source is None]
        if unset and not any(planned.exporters for planned in self.plan.signals.values()):
            self._problem(
                "no-exporter",
                ", ".join(unset),
                "no plugin supplies an exporter and no setting names one",
                "nothing is sent",
                how_to_get_defaults(self.plan.plugins),
            )

    def _views(self) -> None:
        """Those of a file first, then those of plugins."""
        for view in self.choices.views:
            limit = view.at("stream", "aggregation_cardinality_limit")
            self._view(view.plain(), view.source, f"{view.source} view", limit.source if limit else view.source)
        for answer in self.registries.views:
            source = Source("plugin", answer.plugin.label)
            for number, definition in enumerate(answer.value, start=1):
                # A file that `distrokit config show` wrote has it already, and twice it would make two streams.
                if not any(view.definition == definition for view in self.plan.views):
                    self._view(definition, source, f"{source}, view {number}", source)

    def _view(self, definition: dict[str, Any], source: Source, subject: str, limit: Source) -> None:
        fault = fault_of(definition)
        if fault:
            self._problem("view-invalid", subject, fault, "the whole view is left out", f"Correct {source}.")
            return
        self.plan.views.append(ViewPlan(definition, source))
        if (definition.get("stream") or {}).get("aggregation_cardinality_limit") is not None:
            remedy = "Exclude attributes with the view's attribute_keys instead."
            self.plan.problems.append(not_done("aggregation_cardinality_limit", limit, remedy))

    # ------------------------------------------------------------------------- resource

    def _resource(self) -> None:
        reader = Reader(self.plan.settings, "distrokit")
        timeout = reader.integer("DISTROKIT_DETECTOR_TIMEOUT", 2000, minimum=1)
        self.plan.exit_timeout_millis = reader.integer("DISTROKIT_EXIT_TIMEOUT", 5000, minimum=1)
        self.plan.problems.extend(reader.problems)
        attributes = dict(self.choices.attributes)
        active_distro = self.plan.distro
        if not active_distro.default:
            # The semantic conventions' telemetry.distro; distrokit's own is marked by its resource plugin.
            for name, value in ("name", active_distro.distro.name), ("version", active_distro.distro.version):
                attributes.setdefault(f"telemetry.distro.{name}", Value(value, Source("distro", active_distro.label)))
        for answer in self.registries.attributes:
            source = Source("plugin", answer.plugin.label)
            for name, value in answer.value.items():
                attributes.setdefault(name, Value(value, source))
        self.plan.resource = ResourcePlan(attributes, self._detectors(), timeout, self.choices.schema_url)
        included, excluded = self.choices.included, self.choices.excluded
        self.plan.resource.included = tuple(included.plain()) if included else ()
        self.plan.resource.excluded = tuple(excluded.plain()) if excluded else ()

    def _detectors(self) -> list[Component[ResourceDetector]]:
        """Weakest first: what nobody asked for, then what was named, in its order."""
        registry, chosen = self.registries.detectors, self.choices.detectors
        # Of plugins the first in order wins.
        unasked = [
            registration
            for registration in reversed(registry.registrations.values())
            if registration.declaration.default
        ]
        if chosen is None:
            return [c for registration in unasked if (c := self.resolver.component(registration, BUILT_IN))]
        # Upstream's own name for the user's attributes, which are read already.
        chosen = [choice for choice in chosen if choice.name.lower() != "otel"]
        named = {choice.name.lower() for choice in chosen}
        if "service" in named:
            # It has the instance id as well.
            named.add("service_instance")
        if "*" in named:
            for taken in registry.taken.values():
                self.resolver.refuse(taken)
            # `service` says what `service_instance` and the settings say.
            first, always = unasked, {"service", *(registration.declaration.name.lower() for registration in unasked)}
        else:
            first, always = [registration for name in ALWAYS if (registration := registry.find(name))], set(ALWAYS)
        found = [self.resolver.component(o, BUILT_IN) for o in first if o.declaration.name.lower() not in named]
        for choice in chosen:
            # As upstream: it stands for every other one, by name.
            others = sorted(registry.registrations.keys() - named - always) if choice.name == "*" else [choice.name]
            found += [self.resolver.pick(registry, replace(choice, name=name), "it is left out") for name in others]
        return [component for component in found if component]

    # ------------------------------------------------------- sampler, ids, propagators

    def _components(self) -> None:
        plan, choices, registries = self.plan, self.choices, self.registries
        if choices.sampler:
            plan.sampler = self.resolver.pick(registries.samplers, choices.sampler, "parentbased_always_on is used")
            argument = plan.settings.value("OTEL_TRACES_SAMPLER_ARG")
            in_settings = choices.sampler.properties is None
            if plan.sampler and argument and in_settings and plan.sampler.declaration.parameters is None:
                plan.sampler.parameters["arg"] = argument
        if choices.id_generator:
            plan.id_generator = self.resolver.pick(
                registries.id_generators, choices.id_generator, "random ids are used"
            )
        given = plan.settings.environ.get(PROPAGATORS, "")
        if given and not all(item.strip() for item in given.split(",")):
            self._stops_launcher(given, "it has an empty item", "Remove the empty item, or unset the variable.")
        if choices.propagators is not None:
            picked = [
                self.resolver.pick(registries.propagators, choice, "it is left out")
                for choice in choices.propagators
                if choice.source.kind != "environment" or self._passes_launcher(choice.name)
            ]
            plan.propagators = [component for component in picked if component]
        plan.response_propagators = list(self._response_propagators())

    def _response_propagators(self) -> Iterator[Component[ResponsePropagator]]:
        registry, chosen = self.registries.response_propagators, self.choices.response_propagators
        if chosen is None:
            unasked = [
                registration for registration in registry.registrations.values() if registration.declaration.default
            ]
            picked = [
                self.resolver.component(registration, Source("plugin", registration.plugin.label))
                for registration in unasked
            ]
        else:
            picked = [self.resolver.pick(registry, choice, "it is left out") for choice in chosen]
        yield from filter(None, picked)

    def _passes_launcher(self, name: str) -> bool:
        """OpenTelemetry resolves this variable while it is imported, before any distro is asked."""
        known = [point.name for point in self.installed.group("opentelemetry_propagator")]
        if name not in known:
            cause = f"no package publishes a propagator of exactly this name (available: {', '.join(known)})"
            remedy = did_you_mean(name, known) or "Select it in a plugin's distrokit_defaults."
            self._stops_launcher(name, cause, remedy)
        return name in known

    def _stops_launcher(self, value: str, cause: str, remedy: str) -> None:
        outcome = "opentelemetry-instrument itself ends with an error, before the application starts"
        self._problem("propagator-stops-launcher", f"{PROPAGATORS}={value}", cause, outcome, remedy)

    # -------------------------------------------------------------------------- signals

    def _configurator(self, planned: SignalPlan) -> None:
        setting, group = CONFIGURATORS[planned.signal]
        choice = self.plan.settings.value(setting)
        if choice is None:
            return
        points = self.installed.group(group)
        named = [point for point in points if point.name.lower() == choice.value.lower()]
        if len(named) == 1:
            planned.configurator = named[0]
        elif named:
            self._problem(
                "name-taken",
                f"{setting}={choice.value}",
                f"{' and '.join(sorted(map(distribution_of, named)))} declare the same name",
                "every scope is enabled",
                "Uninstall all but one.",
            )
        else:
            names = ", ".join(point.name for point in points) or "none"
            self._problem(
                "setting-invalid",
                f"{setting}={choice.value}",
                f"no package has a configurator of this name (available: {names})",
                "every scope is enabled",
                did_you_mean(choice.value, [point.name for point in points]) or "Install the package that provides it.",
            )

    def _staged(self, planned: SignalPlan) -> None:
        """First those that the file names, in its order; then those that run unasked; all by stage."""
        registrations = self.registries.staged[planned.signal]
        known = {registration.declaration.name.lower() for registration in registrations}
        named: dict[str, list[Choice]] = {}
        for choice in self.choices.staged[planned.signal]:
            name = choice.name.lower()
            named.setdefault(name if name in known else name.removesuffix("/development"), []).append(choice)
        for name, (choice, *_) in named.items():
            if name not in known and name not in self.registries.refused[planned.signal]:
                registry = self.registries.processors[planned.signal]
                if registry.find(name):
                    self._problem(
                        "processor-without-exporter",
                        f"{choice.setting} {choice.name}",
                        "it needs an exporter, and none is given",
                        "it is left out",
                        "Add an `exporter:` to it.",
                    )
                else:
                    names = [
                        *known,
                        *(registration.declaration.name for registration in registry.registrations.values()),
                    ]
                    self.resolver.unknown("processor", planned.signal, names, choice, "it is left out")
        position = {name: number for number, name in enumerate(named)}
        order = ("enrich", "transform", "derive")
        for registration in sorted(
            registrations,
            key=lambda o: (
                order.index(o.declaration.stage),
                position.get(o.declaration.name.lower(), len(position)),
            ),
        ):
            unasked: list[Choice | None] = [None] if registration.declaration.default else []
            # One that is named twice stands there twice, each time with its own properties.
            for chosen in named.get(registration.declaration.name.lower()) or unasked:
                source = chosen.source if chosen else Source("plugin", registration.plugin.label)
                if component := self.resolver.component(registration, source, planned.signal, chosen):
                    planned.processors.append(component)

    def _exporters(self, planned: SignalPlan) -> None:
        registry = self.registries.exporters[planned.signal]
        for export in self.choices.exports[planned.signal] or ():
            exporter = self.resolver.pick(registry, export.exporter, "it is left out", planned.signal)
            if exporter is None:
                continue
            agent = exporter.parameters.get("user_agent")
            if agent is not None and not agent.source.chosen and not self.plan.distro.default:
                mark = Value(self.plan.distro.user_agent, Source("distro", self.plan.distro.label))
                exporter.parameters["user_agent"] = mark
            processor = self._processor(export, exporter, planned.signal)
            planned.exporters.append(ExporterPlan(exporter, processor))

    def _processor(
        self, export: SelectedExport, exporter: Component[Exporter], signal: Signal
    ) -> Component[Processor] | None:
        instance, wanted = exporter.instance, exporter.declaration.processor
        registry = self.registries.processors[signal]
        insisted = self.plan.settings.value(PROCESSOR_SETTING[signal])
        if export.processor is not None and not (insisted and insisted.source.kind in ("code", "override")):
            if signal == "metrics" and export.processor.name == "pull":
                return None
            return self.resolver.pick(registry, export.processor, f"{export.exporter.name!r} gets nothing", signal)
        setting = PROCESSOR_SETTING[signal]
        reader = Reader(self.plan.settings, "distrokit", signal, instance=instance)
        own = reader.given(setting)
        given = list(self.plan.settings.lookup(own))
        if own != setting:
            given += self.plan.settings.lookup(setting)
        if wanted:
            by_user = [found for found in given if found[1].chosen or found[1].kind == "override"]
            given = [*by_user, (wanted, Source("plugin", exporter.plugin)), *given[len(by_user) :]]
        if not given:
            cause, outcome = "no plugin supplies a processor that feeds the exporters", "these exporters get nothing"
            self._problem("no-processor", signal, cause, outcome, how_to_get_defaults(self.plan.plugins))
            return None
        (name, source), *weaker = given
        said = own if source.name == own else setting
        if source.kind == "plugin":
            said = f"exporter {exporter.name}, processor"
        choice = Choice(name, source, said)
        picked = self.resolver.pick(registry, choice, "the default is used", signal, instance)
        if picked or source.kind in ("plugin default", "distro"):
            return picked
        # The user's word does not fit: the plugin's default does.
        for text, weaker_source in weaker:
            registration = registry.find(text)
            if registration:
                return self.resolver.component(registration, weaker_source, signal, instance=instance)
        return None

    def _problem(self, code: str, subject: str, cause: str, outcome: str, remedy: str) -> None:
        problem = Problem(code=code, subject=subject, cause=cause, outcome=outcome, remedy=remedy)
        if problem not in self.plan.problems:
            self.plan.problems.append(problem)

"""Makes the plan of a selection and the registries, before plugins modify it: resolves names, reads parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from distrokit.declarations import SIGNALS, Exporter, Processor, ResourceDetector, ResponsePropagator, Signal
from distrokit.diagnostics import Problem
from distrokit.plan.component_resolver import ComponentResolver, how_to_get_defaults
from distrokit.plan.known_packages import find_remedy
from distrokit.plan.plan import Component, ExporterPlan, Plan, ResourcePlan, SignalPlan, ViewPlan
from distrokit.plan.registry import Registries
from distrokit.plan.selection.cardinality_limits import (
    CARDINALITY,
    READER_KEY,
    VIEW_KEY,
    LimitPlace,
    select_limiter,
)
from distrokit.plan.selection.file_settings import unsupported_part
from distrokit.plan.selection.from_settings import PROPAGATORS
from distrokit.plan.selection.selection import SelectedComponent, SelectedExport, Selection
from distrokit.plan.selection.views import fault_of
from distrokit.plugins.entry_points import EntryPoints, distribution_of
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.reader import Reader
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import BUILT_IN, Source, Value

PROCESSOR_SETTING: dict[Signal, str] = {
    "traces": "DISTROKIT_TRACES_PROCESSOR",
    "metrics": "DISTROKIT_METRICS_READER",
    "logs": "DISTROKIT_LOGS_PROCESSOR",
}

#: Upstream's settings that turn scopes off, and the entry-point groups of their values.
CONFIGURATORS: dict[Signal, tuple[str, str]] = {
    "traces": ("OTEL_PYTHON_TRACER_CONFIGURATOR", "_opentelemetry_tracer_configurator"),
    "metrics": ("OTEL_PYTHON_METER_CONFIGURATOR", "_opentelemetry_meter_configurator"),
    "logs": ("OTEL_PYTHON_LOGGER_CONFIGURATOR", "_opentelemetry_logger_configurator"),
}

#: Detectors that run even if the user names others: all telemetry needs their attributes.
ALWAYS = ("service_instance", "distro")


class SelectionResolver:
    """Fills a plan.

    Args:
        plan: empty; ``plan.problems`` receives what cannot be resolved.
        installed: the entry points in which OpenTelemetry itself looks for propagators.
    """

    def __init__(self, plan: Plan, registries: Registries, installed: EntryPoints, selection: Selection) -> None:
        self.plan = plan
        self.selection = selection
        self.registries = registries
        self.installed = installed
        self.resolver = ComponentResolver(plan.settings, registries, plan.problems, plan.plugins)
        # Those of views.
        self._limits: list[LimitPlace] = []

    def make(self) -> None:
        """Add every part, in the order in which they are built."""
        self._resolve_resource()
        self._resolve_components()
        self._add_views()
        self._add_policy_providers()
        for signal in SIGNALS:
            planned = self.plan.signals[signal]
            planned.scopes = list(self.selection.scopes[signal])
            planned.source = self.selection.sources.get(signal)
            planned.built = self.selection.exports[signal] is not None
            self._resolve_configurator(planned)
            if planned.built:
                self._resolve_staged(planned)
                self._resolve_exporters(planned)
        unset = [signal for signal in SIGNALS if self.plan.signals[signal].source is None]
        if unset and not any(planned.exporters for planned in self.plan.signals.values()):
            self._add_problem(
                "no-exporter",
                ", ".join(unset),
                "no plugin supplies an exporter and no setting names one",
                "nothing is sent",
                how_to_get_defaults(self.plan.plugins),
            )

    def _add_views(self) -> None:
        """Add the views of the file, then those of plugins."""
        for view in self.selection.views:
            limit = view.at("stream", VIEW_KEY)
            self._add_view(view.plain(), view.source, f"{view.source} view", limit.source if limit else view.source)
        for result in self.registries.views:
            source = Source("plugin", result.plugin.label)
            for number, definition in enumerate(result.value, start=1):
                # A file written by `distrokit config show` has it already; a second one would make two streams.
                if not any(view.definition == definition for view in self.plan.views):
                    self._add_view(definition, source, f"{source}, view {number}", source)

    def _add_policy_providers(self) -> None:
        """Add the providers of policies, the most important one first."""
        made = [
            self.resolver.component(registration, Source("plugin", registration.plugin.label))
            for registration in self.registries.policies.registrations.values()
        ]
        providers = [component for component in made if component is not None]
        self.plan.policy_providers = sorted(providers, key=lambda provider: provider.declaration.priority)

    def _add_view(self, definition: dict[str, Any], source: Source, subject: str, limit: Source) -> None:
        fault = fault_of(definition)
        if fault:
            self._add_problem("view-invalid", subject, fault, "the whole view is left out", f"Correct {source}.")
            return
        self.plan.views.append(ViewPlan(definition, source))
        if (definition.get("stream") or {}).get(VIEW_KEY) is not None:
            self._limits.append(LimitPlace(VIEW_KEY, limit))

    # ------------------------------------------------------------------------- resource

    def _resolve_resource(self) -> None:
        reader = Reader(self.plan.settings, "distrokit")
        timeout = reader.integer("DISTROKIT_DETECTOR_TIMEOUT", 2000, minimum=1)
        self.plan.exit_timeout_millis = reader.integer("DISTROKIT_EXIT_TIMEOUT", 5000, minimum=1)
        self.plan.problems.extend(reader.problems)
        attributes = dict(self.selection.attributes)
        active_distro = self.plan.distro
        if not active_distro.default:
            # Semantic conventions, telemetry.distro; the resource plugin sets distrokit's own.
            for name, value in ("name", active_distro.distro.name), ("version", active_distro.distro.version):
                attributes.setdefault(f"telemetry.distro.{name}", Value(value, Source("distro", active_distro.label)))
        for result in self.registries.attributes:
            source = Source("plugin", result.plugin.label)
            for name, value in result.value.items():
                attributes.setdefault(name, Value(value, source))
        self.plan.resource = ResourcePlan(attributes, self._resolve_detectors(), timeout, self.selection.schema_url)
        included, excluded = self.selection.included, self.selection.excluded
        self.plan.resource.included = tuple(included.plain()) if included else ()
        self.plan.resource.excluded = tuple(excluded.plain()) if excluded else ()

    def _resolve_detectors(self) -> list[Component[ResourceDetector]]:
        """Return the detectors, weakest first: the default ones, then the selected ones in their order."""
        registry, chosen = self.registries.detectors, self.selection.detectors
        # The last detector wins, and the first plugin must win.
        by_default = [
            registration
            for registration in reversed(registry.registrations.values())
            if registration.declaration.default
        ]
        if chosen is None:
            return [c for registration in by_default if (c := self.resolver.component(registration, BUILT_IN))]
        # Upstream's name for the user's attributes, which are read already.
        chosen = [selected for selected in chosen if selected.name.lower() != "otel"]
        named = {selected.name.lower() for selected in chosen}
        if "service" in named:
            # It also sets the instance id.
            named.add("service_instance")
        if "*" in named:
            for taken in registry.taken.values():
                self.resolver.refuse(taken)
            # `service` sets the same attributes as `service_instance` and the settings.
            first, always = (
                by_default,
                {"service", *(registration.declaration.name.lower() for registration in by_default)},
            )
        else:
            first, always = [registration for name in ALWAYS if (registration := registry.find(name))], set(ALWAYS)
        found = [self.resolver.component(o, BUILT_IN) for o in first if o.declaration.name.lower() not in named]
        for selected in chosen:
            # `*` is every other detector, by name, as upstream.
            others = sorted(registry.registrations.keys() - named - always) if selected.name == "*" else [selected.name]
            found += [self.resolver.pick(registry, replace(selected, name=name), "it is left out") for name in others]
        return [component for component in found if component]

    # ------------------------------------------------------- sampler, ids, propagators

    def _resolve_components(self) -> None:
        plan, selection, registries = self.plan, self.selection, self.registries
        if selection.sampler:
            plan.sampler = self.resolver.pick(registries.samplers, selection.sampler, "parentbased_always_on is used")
            argument = plan.settings.value("OTEL_TRACES_SAMPLER_ARG")
            in_settings = selection.sampler.properties is None
            if plan.sampler and argument and in_settings and plan.sampler.declaration.parameters is None:
                plan.sampler.parameters["arg"] = argument
        if selection.id_generator:
            plan.id_generator = self.resolver.pick(
                registries.id_generators, selection.id_generator, "random ids are used"
            )
        text = plan.settings.environ.get(PROPAGATORS, "")
        if text and not all(item.strip() for item in text.split(",")):
            self._report_launcher_stop(text, "it has an empty item", "Remove the empty item, or unset the variable.")
        if selection.propagators is not None:
            picked = [
                self.resolver.pick(registries.propagators, selected, "it is left out")
                for selected in selection.propagators
                if selected.source.kind != "environment" or self._passes_launcher(selected.name)
            ]
            plan.propagators = [component for component in picked if component]
        plan.response_propagators = list(self._resolve_response_propagators())

    def _resolve_response_propagators(self) -> Iterator[Component[ResponsePropagator]]:
        registry, chosen = self.registries.response_propagators, self.selection.response_propagators
        if chosen is None:
            by_default = [
                registration for registration in registry.registrations.values() if registration.declaration.default
            ]
            picked = [
                self.resolver.component(registration, Source("plugin", registration.plugin.label))
                for registration in by_default
            ]
        else:
            picked = [self.resolver.pick(registry, selected, "it is left out") for selected in chosen]
        yield from filter(None, picked)

    def _passes_launcher(self, name: str) -> bool:
        """Tell whether OpenTelemetry finds this propagator: it reads the variable on import, before any distro runs."""
        known = [point.name for point in self.installed.group("opentelemetry_propagator")]
        if name not in known:
            cause = f"no package publishes a propagator of exactly this name (available: {', '.join(known)})"
            remedy = find_remedy("propagator", name) or did_you_mean(name, known)
            remedy = remedy or "Select it in a plugin's distrokit_defaults."
            self._report_launcher_stop(name, cause, remedy)
        return name in known

    def _report_launcher_stop(self, value: str, cause: str, remedy: str) -> None:
        outcome = "it is left out; opentelemetry-instrument itself ends with an error, before the application starts"
        self._add_problem("propagator-stops-launcher", f"{PROPAGATORS}={value}", cause, outcome, remedy)

    # -------------------------------------------------------------------------- signals

    def _resolve_configurator(self, planned: SignalPlan) -> None:
        setting, group = CONFIGURATORS[planned.signal]
        value = self.plan.settings.value(setting)
        if value is None:
            return
        points = self.installed.group(group)
        matching = [point for point in points if point.name.lower() == value.value.lower()]
        if len(matching) == 1:
            planned.configurator = matching[0]
        elif matching:
            self._add_problem(
                "name-taken",
                f"{setting}={value.value}",
                f"{' and '.join(sorted(map(distribution_of, matching)))} declare the same name",
                "every scope is enabled",
                "Uninstall all but one.",
            )
        else:
            names = ", ".join(point.name for point in points) or "none"
            self._add_problem(
                "setting-invalid",
                f"{setting}={value.value}",
                f"no package has a configurator of this name (available: {names})",
                "every scope is enabled",
                did_you_mean(value.value, [point.name for point in points]) or "Install the package that provides it.",
            )

    def _resolve_staged(self, planned: SignalPlan) -> None:
        """Add processors by stage: first those that the file names, in its order, then the default ones."""
        registrations = self.registries.staged[planned.signal]
        known = {registration.declaration.name.lower() for registration in registrations}
        named: dict[str, list[SelectedComponent]] = {}
        for selected in self.selection.staged[planned.signal]:
            name = selected.name.lower()
            named.setdefault(name if name in known else name.removesuffix("/development"), []).append(selected)
        for name, (selected, *_) in named.items():
            if name not in known and name not in self.registries.refused[planned.signal]:
                registry = self.registries.processors[planned.signal]
                if registry.find(name):
                    self._add_problem(
                        "processor-without-exporter",
                        f"{selected.setting} {selected.name}",
                        "it needs an exporter, and none is given",
                        "it is left out",
                        "Add an `exporter:` to it.",
                    )
                else:
                    names = [
                        *known,
                        *(registration.declaration.name for registration in registry.registrations.values()),
                    ]
                    self.resolver.unknown("processor", planned.signal, names, selected, "it is left out")
        position = {name: number for number, name in enumerate(named)}
        # It keeps its place in plugin order, behind a filter that redacts.
        if planned.signal == "metrics" and (limiter := self._select_limiter(known)):
            named[CARDINALITY] = [limiter]
        order = ("measure", "enrich", "transform", "derive")
        # What another transform adds must pass a required one, too.
        requiring = {o.plugin.name for o in registrations if o.declaration.required}
        for registration in sorted(
            registrations,
            key=lambda o: (
                order.index(o.declaration.stage),
                o.declaration.stage == "transform" and o.plugin.name in requiring,
                position.get(o.declaration.name.lower(), len(position)),
            ),
        ):
            by_default: list[SelectedComponent | None] = [None] if registration.declaration.default else []
            # A processor that is named twice runs twice, each with its own properties.
            for chosen in named.get(registration.declaration.name.lower()) or by_default:
                source = chosen.source if chosen else Source("plugin", registration.plugin.label)
                if component := self.resolver.component(registration, source, planned.signal, chosen):
                    planned.processors.append(component)

    def _select_limiter(self, known: Collection[str]) -> SelectedComponent | None:
        """Return the processor that limits in readers and views select; report them if no plugin has it."""
        exports = self.selection.exports["metrics"] or ()
        nodes = [export.cardinality_limits for export in exports if export.cardinality_limits is not None]
        places = [*(LimitPlace(READER_KEY, node.source, node) for node in nodes), *self._limits]
        if CARDINALITY in known or CARDINALITY in self.registries.refused["metrics"]:
            return select_limiter(places)
        guards = [plugin for plugin in self.plan.plugins if plugin.name == "guard" and plugin.installed]
        not_loaded = [plugin for plugin in guards if plugin.status != "loaded"]
        remedy = (
            how_to_get_defaults(not_loaded)
            if not_loaded
            else to_install("distrokit[guard]", otherwise="exclude attributes with a view's attribute_keys")
        )
        self.plan.problems.extend(unsupported_part(place.key, place.source, remedy) for place in places)
        return None

    def _resolve_exporters(self, planned: SignalPlan) -> None:
        registry = self.registries.exporters[planned.signal]
        for export in self.selection.exports[planned.signal] or ():
            exporter = self.resolver.pick(registry, export.exporter, "it is left out", planned.signal)
            if exporter is None:
                continue
            agent = exporter.parameters.get("user_agent")
            if agent is not None and not agent.source.chosen and not self.plan.distro.default:
                mark = Value(self.plan.distro.user_agent, Source("distro", self.plan.distro.label))
                exporter.parameters["user_agent"] = mark
            processor = self._resolve_processor(export, exporter, planned.signal)
            planned.exporters.append(ExporterPlan(exporter, processor, export.cardinality_limits))

    def _resolve_processor(
        self, export: SelectedExport, exporter: Component[Exporter], signal: Signal
    ) -> Component[Processor] | None:
        instance, preferred = exporter.instance, exporter.declaration.processor
        registry = self.registries.processors[signal]
        override = self.plan.settings.value(PROCESSOR_SETTING[signal])
        if export.processor is not None and not (override and override.source.kind in ("code", "override")):
            if signal == "metrics" and export.processor.name == "pull":
                return None
            return self.resolver.pick(registry, export.processor, f"{export.exporter.name!r} gets nothing", signal)
        setting = PROCESSOR_SETTING[signal]
        reader = Reader(self.plan.settings, "distrokit", signal, instance=instance)
        own_setting = reader.given(setting)
        candidates = list(self.plan.settings.lookup(own_setting))
        if own_setting != setting:
            candidates += self.plan.settings.lookup(setting)
        if preferred:
            by_user = [found for found in candidates if found[1].chosen or found[1].kind == "override"]
            candidates = [*by_user, (preferred, Source("plugin", exporter.plugin)), *candidates[len(by_user) :]]
        if not candidates:
            cause, outcome = "no plugin supplies a processor that feeds the exporters", "these exporters get nothing"
            self._add_problem("no-processor", signal, cause, outcome, how_to_get_defaults(self.plan.plugins))
            return None
        (name, source), *weaker = candidates
        setting_name = own_setting if source.name == own_setting else setting
        if source.kind == "plugin":
            setting_name = f"exporter {exporter.name}, processor"
        selected = SelectedComponent(name, source, setting_name)
        component = self.resolver.pick(registry, selected, "the default is used", signal, instance)
        if component or source.kind in ("plugin default", "distro"):
            return component
        # The user's value is invalid; fall back to a weaker one.
        for text, weaker_source in weaker:
            registration = registry.find(text)
            if registration:
                return self.resolver.component(registration, weaker_source, signal, instance=instance)
        return None

    def _add_problem(self, code: str, subject: str, cause: str, outcome: str, remedy: str) -> None:
        problem = Problem(code=code, subject=subject, cause=cause, outcome=outcome, remedy=remedy)
        if problem not in self.plan.problems:
            self.plan.problems.append(problem)

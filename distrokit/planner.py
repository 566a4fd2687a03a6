"""Settings and declarations in, plan out. Imports no SDK, opens nothing, starts nothing."""

from __future__ import annotations

from urllib.parse import unquote

from distrokit import instrumentation, sdk_settings
from distrokit.amendments import amend
from distrokit.catalogue import Catalogue
from distrokit.declarations import (
    SIGNALS,
    Processor,
    ResourceDetector,
    Signal,
)
from distrokit.diagnostics import LOG_LEVELS, Problem, did_you_mean
from distrokit.entry_points import EntryPoints
from distrokit.parameters import Reader
from distrokit.picking import INSTALL_DEFAULTS, Picker
from distrokit.plan import Component, ExporterPlan, Plan, ResourcePlan, SignalPlan
from distrokit.plugins import Answer, Plugins
from distrokit.settings import BUILT_IN, Layer, Settings, Source, Value

EXPORTER_SETTING: dict[Signal, str] = {
    "traces": "OTEL_TRACES_EXPORTER",
    "metrics": "OTEL_METRICS_EXPORTER",
    "logs": "OTEL_LOGS_EXPORTER",
}
PROCESSOR_SETTING: dict[Signal, str] = {
    "traces": "DISTROKIT_TRACES_PROCESSOR",
    "metrics": "DISTROKIT_METRICS_READER",
    "logs": "DISTROKIT_LOGS_PROCESSOR",
}
DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"


def make_plan(settings: Settings, plugins: Plugins) -> Plan:
    """The plan for these settings and plugins. Never raises for what a user or a plugin did wrong.

    Args:
        settings: without plugin defaults; they are asked for here.
        plugins: loaded; their ``problems`` list becomes the plan's.
    """
    given = plugins.defaults(settings.environ)
    while True:
        # A plugin that failed takes all it contributed with it, its defaults too, which others may have
        # seen. So when one fails, they declare and amend once more.
        loaded = _loaded(plugins)
        known = settings.with_defaults(_layers(given))
        plan = amend(_draft(known, plugins, plugins.declarations(known)), plugins)
        if loaded == _loaded(plugins):
            break
    # From here on plan and plugins share one list.
    plugins.problems.extend(plan.problems)
    plan.problems = plugins.problems
    return plan


def _loaded(plugins: Plugins) -> int:
    return len([plugin for plugin in plugins.candidates if plugin.status == "loaded"])


def _draft(settings: Settings, plugins: Plugins, answers: dict[str, list[Answer]]) -> Plan:
    plan = Plan(settings, plugins=plugins.candidates)
    planner = _Planner(plan, Catalogue.of(answers, plan.problems), plugins.installed)
    planner.check_log_level()
    planner.check_sdk_settings()
    planner.resource(answers["distrokit_resource"])
    planner.components()
    planner.signals()
    plan.instrumentations = instrumentation.planned(settings, plugins.installed)
    return plan


def _layers(given: list[Answer]) -> tuple[Layer, ...]:
    return tuple(
        Layer(Source("plugin default", answer.plugin.label), answer.value)
        for answer in given
        if answer.plugin.status == "loaded"
    )


class _Planner:
    def __init__(self, plan: Plan, catalogue: Catalogue, installed: EntryPoints) -> None:
        self.plan = plan
        self.installed = installed
        self.settings = plan.settings
        self.catalogue = catalogue
        self.picker = Picker(plan.settings, plan.problems)

    def check_log_level(self) -> None:
        value = self.settings.value("OTEL_LOG_LEVEL")
        if value and value.value.lower() not in LOG_LEVELS:
            self._problem(
                "setting-invalid",
                "OTEL_LOG_LEVEL",
                value.value,
                f"not a log level (there are {', '.join(LOG_LEVELS)})",
                "'warn' is used instead",
                did_you_mean(value.value, LOG_LEVELS) or "Change or unset it.",
            )

    def check_sdk_settings(self) -> None:
        reader = Reader(self.settings, "opentelemetry-sdk")
        self.plan.sdk_settings = sdk_settings.checked(reader)
        self.plan.problems.extend(reader.problems)

    # ------------------------------------------------------------------------- resource

    def resource(self, answers: list[Answer]) -> None:
        reader = Reader(self.settings, "distrokit")
        timeout = reader.integer("DISTROKIT_DETECTOR_TIMEOUT", 2000, minimum=1)
        self.plan.problems.extend(reader.problems)
        attributes = self._user_attributes()
        for answer in sorted(answers, key=lambda a: -a.rank):
            if isinstance(answer.value, dict):
                source = Source("plugin", answer.plugin.label)
                for name, value in answer.value.items():
                    attributes.setdefault(name, Value(value, source))
        self.plan.resource = ResourcePlan(attributes, self._detectors(), timeout)

    def _user_attributes(self) -> dict[str, Value[object]]:
        attributes: dict[str, Value[object]] = {}
        given = self.settings.value("OTEL_RESOURCE_ATTRIBUTES")
        for position, pair in enumerate(given.value.split(",") if given else [], 1):
            key, equals, text = pair.partition("=")
            if given and equals and key.strip():
                attributes[unquote(key.strip())] = Value(unquote(text.strip()), given.source)
            elif pair.strip():
                # The text is not repeated: people paste tokens into the wrong variable.
                self._problem(
                    "setting-invalid",
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "…",
                    f"item {position} is not key=value",
                    "the other items are used",
                    "Write key=value, commas and spaces in a value percent-encoded.",
                )
        service = self.settings.value("OTEL_SERVICE_NAME")
        if service:
            attributes["service.name"] = service
        return attributes

    def _detectors(self) -> list[Component[ResourceDetector]]:
        shelf, choice = self.catalogue.detectors, self.settings.value(DETECTORS)
        if choice is None or "*" in self.settings.names(DETECTORS):
            source = choice.source if choice else BUILT_IN
            offers = [o for o in shelf.offers.values() if choice or o.declaration.default]
            return [c for offer in offers if (c := self.picker.component(offer, source))]
        # Upstream's own two names that are always on: the user's attributes, read above, and the instance id.
        names = [name for name in self.settings.names(DETECTORS) if name.lower() not in ("otel", "service_instance")]
        always = shelf.find("service_instance")
        chosen = [self.picker.component(always, BUILT_IN)] if always else []
        chosen += [self.picker.pick(shelf, name, choice, DETECTORS, "it is left out") for name in names]
        return [component for component in chosen if component]

    # ------------------------------------------------------- sampler, ids, propagators

    def components(self) -> None:
        plan, settings = self.plan, self.settings
        sampler = settings.value("OTEL_TRACES_SAMPLER")
        if sampler:
            plan.sampler = self.picker.pick(
                self.catalogue.samplers, sampler.value, sampler, "OTEL_TRACES_SAMPLER", "parentbased_always_on is used"
            )
            argument = settings.value("OTEL_TRACES_SAMPLER_ARG")
            if plan.sampler and argument and plan.sampler.declaration.parameters is None:
                plan.sampler.parameters["arg"] = argument
        ids = settings.value("OTEL_PYTHON_ID_GENERATOR")
        if ids:
            plan.id_generator = self.picker.pick(
                self.catalogue.id_generators, ids.value, ids, "OTEL_PYTHON_ID_GENERATOR", "random ids are used"
            )
        propagators = settings.value("OTEL_PROPAGATORS")
        given = settings.environ.get("OTEL_PROPAGATORS", "")
        if given and not all(item.strip() for item in given.split(",")):
            self._stops_launcher(given, "an item of it is blank", "Take the blank out, or unset it.")
        if propagators:
            names = [name for name in settings.names("OTEL_PROPAGATORS") if name.lower() != "none"]
            picked = [
                self.picker.pick(self.catalogue.propagators, name, propagators, "OTEL_PROPAGATORS", "it is left out")
                for name in names
                if propagators.source.kind != "environment" or self._passes_launcher(name)
            ]
            plan.propagators = [component for component in picked if component]

    def _passes_launcher(self, name: str) -> bool:
        """OpenTelemetry resolves this variable while it is imported, before any distro is asked."""
        known = [point.name for point in self.installed.group("opentelemetry_propagator")]
        if name not in known:
            cause = f"no package publishes a propagator of exactly this name (there are {', '.join(known)})"
            remedy = did_you_mean(name, known) or "Let a plugin's distrokit_defaults choose it."
            self._stops_launcher(name, cause, remedy)
        return name in known

    def _stops_launcher(self, value: str, cause: str, remedy: str) -> None:
        self.plan.problems.append(
            Problem(
                code="propagator-stops-launcher",
                subject=f"OTEL_PROPAGATORS={value}",
                cause=cause,
                outcome="opentelemetry-instrument itself ends with an error, before the application starts",
                remedy=remedy,
            )
        )

    # -------------------------------------------------------------------------- signals

    def signals(self) -> None:
        for signal in SIGNALS:
            planned = self.plan.signals[signal]
            self._staged(planned)
            self._exporters(planned)
        unset = [signal for signal in SIGNALS if self.plan.signals[signal].source is None]
        if unset and not any(planned.exporters for planned in self.plan.signals.values()):
            self.plan.problems.append(
                Problem(
                    code="no-exporter",
                    subject=", ".join(unset),
                    cause="no plugin supplies an exporter and no setting names one",
                    outcome="nothing is sent",
                    remedy=INSTALL_DEFAULTS,
                )
            )

    def _staged(self, planned: SignalPlan) -> None:
        order = ("enrich", "transform", "derive")
        offers = sorted(self.catalogue.staged[planned.signal], key=lambda o: order.index(o.declaration.stage))
        for offer in offers:
            source = Source("plugin", offer.plugin.label)
            if component := self.picker.component(offer, source, planned.signal):
                planned.processors.append(component)

    def _exporters(self, planned: SignalPlan) -> None:
        setting = EXPORTER_SETTING[planned.signal]
        choice = self.settings.value(setting)
        if choice is None:
            return
        planned.source = choice.source
        shelf = self.catalogue.exporters[planned.signal]
        if not self.settings.names(setting):
            cause, outcome = "it names nothing", f"no {planned.signal} are sent"
            self._problem("setting-invalid", setting, choice.value, cause, outcome, "Name an exporter, or none.")
        for name in self.settings.names(setting):
            if name.lower() == "none":
                continue
            if name.lower() in [item.exporter.name.lower() for item in planned.exporters]:
                continue
            exporter = self.picker.pick(shelf, name, choice, setting, "it is left out", planned.signal)
            if exporter:
                planned.exporters.append(ExporterPlan(exporter))
        if planned.exporters:
            processor = self._processor(planned.signal)
            for item in planned.exporters:
                item.processor = processor

    def _processor(self, signal: Signal) -> Component[Processor] | None:
        setting = PROCESSOR_SETTING[signal]
        shelf, choice = self.catalogue.processors[signal], self.settings.value(setting)
        if choice is None:
            self.plan.problems.append(
                Problem(
                    code="no-processor",
                    subject=signal,
                    cause="no plugin supplies a processor that feeds the exporters",
                    outcome="these exporters get nothing",
                    remedy=INSTALL_DEFAULTS,
                )
            )
            return None
        picked = self.picker.pick(shelf, choice.value, choice, setting, "the default is used", signal)
        if picked or choice.source.kind == "plugin default":
            return picked
        # The user's word does not fit: the plugin's default does.
        for text, source in self.settings.lookup(setting)[1:]:
            offer = shelf.find(text)
            if offer:
                return self.picker.component(offer, source, signal)
        return None

    def _problem(self, code: str, setting: str, value: str, cause: str, outcome: str, remedy: str) -> None:
        self.plan.problems.append(
            Problem(
                code=code,
                subject=f"{setting}={value}",
                cause=cause,
                outcome=outcome,
                remedy=remedy,
                severity="warning",
            )
        )

"""Settings, a configuration file and declarations in, plan out. Imports no SDK, opens nothing, starts nothing."""

from __future__ import annotations

from distrokit.declarations import Configuration, Setting
from distrokit.diagnostics import LOG_LEVELS, Problem
from distrokit.plan.instrumentation_planning import deny, planned
from distrokit.plan.modifications import modify
from distrokit.plan.plan import Plan
from distrokit.plan.registry import Registries
from distrokit.plan.resolver import PlanResolver
from distrokit.plan.selection.from_model import select_from_model
from distrokit.plan.selection.from_settings import select_from_settings
from distrokit.plan.selection.model_settings import settings_of
from distrokit.plan.selection.selection import Selection
from distrokit.plugins.manager import Answer, Plugins
from distrokit.plugins.required import without_value
from distrokit.settings import sdk_settings
from distrokit.settings.bundles import to_install
from distrokit.settings.layers import Layer, Settings
from distrokit.settings.reader import Reader
from distrokit.settings.registry import SETTINGS, deprecated, ignored_with_file, misspelt, not_one_of, quoted
from distrokit.settings.values import BOOLEANS, Source, SourceKind, Value

#: What ``DISTROKIT_DOCTOR`` may say.
DOCTOR_CHOICES = (
    *(word for word, value in BOOLEANS.items() if value),
    "offline",
    *(word for word, value in BOOLEANS.items() if not value),
)

#: Where the configuration file is (specification, *Declarative configuration*).
CONFIG_FILE = "OTEL_CONFIG_FILE"


def make_plan(settings: Settings, plugins: Plugins) -> Plan:
    """The plan for these settings and plugins. Never raises for what a user or a plugin did wrong.

    Args:
        settings: without plugin defaults and without a file; they are asked for here.
        plugins: loaded; their ``problems`` list becomes the plan's.
    """
    known = (*SETTINGS, *plugins.settings())
    problems: list[Problem] = []
    given = plugins.defaults(settings)
    # A distro may bring a file of its own, and block plugins.
    defaulted = settings.with_defaults(_layers(given, "plugin default"))
    configuration = _configuration(defaulted, plugins)
    if configuration is not None:
        settings = _with_file(settings, configuration, known, problems)
    plugins.block(settings.with_defaults(_layers(given, "plugin default")))
    while True:
        # A plugin that failed takes all it contributed with it, its defaults too, which others may have
        # seen. So when one fails, they declare and amend once more.
        loaded = _loaded(plugins)
        layered = settings.with_defaults(_layers(given, "plugin default"))
        layered = layered.with_layers(*reversed(_layers(plugins.overrides(layered), "override")))
        draft = _draft(layered, plugins, configuration, known, problems)
        plan = modify(draft, plugins)
        if loaded == _loaded(plugins):
            break
    added = {name: item for name, item in plan.instrumentations.items() if name not in draft.instrumentations}
    deny(added, plan.settings)
    # From here on plan and plugins share one list.
    plugins.problems.extend(plan.problems)
    plan.problems = plugins.problems
    return plan


def _loaded(plugins: Plugins) -> int:
    return len([plugin for plugin in plugins.candidates if plugin.status == "loaded"])


def _configuration(settings: Settings, plugins: Plugins) -> Configuration | None:
    configuration = plugins.configuration(settings)
    path = settings.get(CONFIG_FILE)
    if configuration is None and path:
        problem = Problem(
            code="file-unread",
            subject=f"{CONFIG_FILE}={path}",
            cause="no plugin reads configuration files",
            outcome="nothing is configured, since what the file would have said is unknown",
            remedy=to_install("distrokit[yaml]", otherwise="unset the variable"),
        )
        return Configuration(path, None, (problem,))
    return configuration


def _with_file(
    settings: Settings, configuration: Configuration, known: tuple[Setting, ...], problems: list[Problem]
) -> Settings:
    problems.extend(configuration.problems)
    ignored = ignored_with_file(known, settings)
    layer = settings_of(configuration, problems)
    # Where the file speaks, it wins: of instrumentations' variables, too, which count where it is silent.
    ignored |= {name for name in layer.values if name in settings.environ and not name.startswith("DISTROKIT_")}
    layered = settings.with_layers(layer, ignored=ignored)
    if settings.sdk_disabled and not layered.sdk_disabled and "OTEL_SDK_DISABLED" in ignored:
        problems.append(
            Problem(
                code="disabled-ignored",
                subject="OTEL_SDK_DISABLED=true",
                cause=f"{configuration.name} takes the place of this variable",
                outcome="telemetry is not disabled",
                remedy="Write `disabled: ${OTEL_SDK_DISABLED:-false}` in the file.",
                severity="warning",
            )
        )
    return layered


def _draft(
    settings: Settings,
    plugins: Plugins,
    configuration: Configuration | None,
    known: tuple[Setting, ...],
    problems: list[Problem],
) -> Plan:
    plan = Plan(settings, plugins.active_distro, plugins=plugins.candidates, known=known, problems=list(problems))
    plan.problems.extend((*misspelt(known, settings), *deprecated(known, settings), *quoted(settings)))
    plan.problems.extend(without_value(plugins.declared, settings, with_file=configuration is not None))
    plan.configuration = configuration.name if configuration else None
    if configuration is not None and configuration.model is None:
        # Environment variables alone might send data where the file would not have sent it.
        plan.disabled = Value(True, Source("file", configuration.name))
        return plan
    _check_settings(plan)
    choices = _choices(plan, configuration)
    PlanResolver(plan, Registries.of(plugins.declarations(settings), plan.problems), plugins.installed, choices).make()
    plan.instrumentations = planned(settings, plugins.installed, choices.instrumentations, plan.problems)
    said = {problem.subject for problem in plan.problems}
    plan.problems.extend(problem for problem in not_one_of(known, settings) if problem.subject not in said)
    if settings.sdk_disabled:
        disabled = settings.value("OTEL_SDK_DISABLED")
        plan.disabled = Value(True, disabled.source) if disabled else plan.disabled
        if configuration is not None and configuration.model and configuration.model.at("propagator") is None:
            # A file without any has none run; here it is not asked, and OpenTelemetry's own go on.
            plan.propagators = plan.propagators or None
    return plan


def _choices(plan: Plan, configuration: Configuration | None) -> Selection:
    if configuration is None:
        return select_from_settings(plan.settings, plan.problems)
    return select_from_model(configuration, plan.settings, plan.problems)


def _layers(given: list[Answer], kind: SourceKind) -> tuple[Layer, ...]:
    return tuple(
        Layer(Source(kind, answer.plugin.label), answer.value) for answer in given if answer.plugin.status == "loaded"
    )


def _check_settings(plan: Plan) -> None:
    """What the SDK reads by itself, and what is read, without a word, before there is a plan."""
    reader = Reader(plan.settings, "opentelemetry-sdk")
    reader.choice("OTEL_SDK_DISABLED", ("true", "false"), "false")
    reader.choice("OTEL_LOG_LEVEL", tuple(LOG_LEVELS), "warn")
    reader.flag("DISTROKIT_STRICT", default=False)
    reader.flag("DISTROKIT_TRACE_HOOKS", default=False)
    reader.choice("DISTROKIT_DOCTOR", DOCTOR_CHOICES, "false")
    plan.sdk_settings = sdk_settings.checked(reader)
    plan.problems.extend(reader.problems)

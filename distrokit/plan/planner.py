"""Makes the plan of settings, a configuration file and declarations. Imports no SDK, opens nothing, starts nothing."""

from __future__ import annotations

from distrokit.declarations import LATE_PLACEMENTS, Configuration, Setting
from distrokit.diagnostics import LOG_LEVELS, Problem
from distrokit.plan.instrumentation_planning import apply_deny_list, plan_instrumentations
from distrokit.plan.modifications import modify
from distrokit.plan.plan import Plan
from distrokit.plan.registry import Registries
from distrokit.plan.required_parts import RequiredPart, find_required_parts, withhold_signals
from distrokit.plan.selection.file_settings import settings_of
from distrokit.plan.selection.from_configuration_file import select_from_configuration_file
from distrokit.plan.selection.from_settings import select_from_settings
from distrokit.plan.selection.selection import Selection
from distrokit.plan.selection_resolver import SelectionResolver
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import HookResult, Plugins
from distrokit.plugins.required_settings import find_missing_settings
from distrokit.settings import sdk_settings
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.known_settings import (
    SETTINGS,
    find_deprecated_settings,
    find_invalid_choices,
    find_misspelt_settings,
    find_quoted_values,
    ignored_with_file,
)
from distrokit.settings.layers import Layer, Settings
from distrokit.settings.patterns import replace_invalid_patterns
from distrokit.settings.reader import Reader
from distrokit.settings.values import BOOLEANS, Source, SourceKind, Value

#: Values of ``DISTROKIT_DOCTOR``.
DOCTOR_CHOICES = (
    *(word for word, value in BOOLEANS.items() if value),
    "offline",
    *(word for word, value in BOOLEANS.items() if not value),
)

#: Path of the configuration file (specification, *Declarative configuration*).
CONFIG_FILE = "OTEL_CONFIG_FILE"


def make_plan(settings: Settings, plugins: Plugins) -> Plan:
    """Make the plan for these settings and plugins. Mistakes of users and plugins become problems; nothing is raised.

    Args:
        settings: without the layers of plugins and of the configuration file, which are added here.
        plugins: loaded; their ``problems`` list becomes the plan's.
    """
    known = (*SETTINGS, *plugins.settings())
    problems: list[Problem] = []
    defaults = plugins.defaults(settings)
    # A distro may bring a file of its own, and block plugins.
    defaulted = settings.with_defaults(_layers(defaults, "plugin default"))
    configuration = _read_configuration(defaulted, plugins)
    if configuration is not None:
        settings = _add_file_layer(settings, configuration, known, problems)
    plugins.block(settings.with_defaults(_layers(defaults, "plugin default")))
    required: dict[str, RequiredPart] = {}
    while True:
        # A plugin that fails is left out with everything it contributed, also its defaults, which others may have
        # read. So when one fails, all others declare and modify again.
        loaded = _count_loaded(plugins)
        layered = settings.with_defaults(_layers(defaults, "plugin default"))
        layered = layered.with_layers(*reversed(_layers(plugins.overrides(layered), "override")))
        layered, invalid = replace_invalid_patterns(known, layered)
        resolved = _resolve_plan(layered, plugins, configuration, known, [*problems, *invalid], required)
        plan = modify(resolved, plugins)
        if loaded == _count_loaded(plugins):
            break
    added = {name: item for name, item in plan.instrumentations.items() if name not in resolved.instrumentations}
    apply_deny_list(added, plan.settings)
    withhold_signals(plan, required.values())
    # Problems found later belong to both.
    plugins.problems.extend(plan.problems)
    plan.problems = plugins.problems
    return plan


def _count_loaded(plugins: Plugins) -> int:
    return len([plugin for plugin in plugins.candidates if plugin.status == "loaded"])


def _read_configuration(settings: Settings, plugins: Plugins) -> Configuration | None:
    configuration = plugins.configuration(settings)
    path = settings.get(CONFIG_FILE)
    if configuration is None and path:
        problem = Problem(
            code="file-unread",
            subject=f"{CONFIG_FILE}={path}",
            cause="no plugin reads configuration files",
            outcome="telemetry is disabled because the file cannot be read",
            remedy=to_install("distrokit[yaml]", otherwise="unset the variable"),
        )
        return Configuration(path, None, (problem,))
    return configuration


def _add_file_layer(
    settings: Settings, configuration: Configuration, known: tuple[Setting, ...], problems: list[Problem]
) -> Settings:
    problems.extend(configuration.problems)
    ignored = ignored_with_file(known, settings)
    layer = settings_of(configuration, problems)
    # Variables of instrumentations are ignored only where the file sets the same thing.
    ignored |= {name for name in layer.values if name in settings.environ and not name.startswith("DISTROKIT_")}
    layered = settings.with_layers(layer, ignored=ignored)
    if settings.sdk_disabled and not layered.sdk_disabled and "OTEL_SDK_DISABLED" in ignored:
        problems.append(
            Problem(
                code="disabled-ignored",
                subject="OTEL_SDK_DISABLED=true",
                cause=f"{configuration.name} is used instead of this variable",
                outcome="telemetry is not disabled",
                remedy="Write `disabled: ${OTEL_SDK_DISABLED:-false}` in the file.",
                severity="warning",
            )
        )
    return layered


def _resolve_plan(
    settings: Settings,
    plugins: Plugins,
    configuration: Configuration | None,
    known: tuple[Setting, ...],
    problems: list[Problem],
    required: dict[str, RequiredPart],
) -> Plan:
    plan = Plan(settings, plugins.active_distro, plugins=plugins.candidates, known=known, problems=list(problems))
    plan.problems.extend(
        (
            *find_misspelt_settings(known, settings),
            *find_deprecated_settings(known, settings),
            *find_quoted_values(settings),
        )
    )
    plan.problems.extend(find_missing_settings(plugins.declared, settings, with_file=configuration is not None))
    plan.configuration = configuration.name if configuration else None
    if configuration is not None and configuration.model is None:
        # Environment variables alone might send data where the file would not have sent it.
        plan.disabled = Value(True, Source("file", configuration.name))
        return plan
    _check_settings(plan, plugins.installed)
    selection = _select(plan, configuration)
    registries = Registries.of(plugins.declarations(settings), plan.problems)
    SelectionResolver(plan, registries, plugins.installed, selection).make()
    # What a plugin declared before it failed stays required.
    found = {part.name: part for part in find_required_parts(settings, plan.distro, registries)}
    required.update({name: part for name, part in found.items() if part.declared or name not in required})
    plan.instrumentations = plan_instrumentations(
        settings, plugins.installed, selection.instrumentations, plan.problems
    )
    reported = {problem.subject for problem in plan.problems}
    plan.problems.extend(
        problem for problem in find_invalid_choices(known, settings) if problem.subject not in reported
    )
    if settings.sdk_disabled:
        disabled = settings.value("OTEL_SDK_DISABLED")
        plan.disabled = Value(True, disabled.source) if disabled else plan.disabled
        if configuration is not None and configuration.model and configuration.model.at("propagator") is None:
            # A file without `propagator` means none, but a disabled SDK keeps OpenTelemetry's own propagators.
            plan.propagators = plan.propagators or None
    return plan


def _select(plan: Plan, configuration: Configuration | None) -> Selection:
    if configuration is None:
        return select_from_settings(plan.settings, plan.problems)
    return select_from_configuration_file(configuration, plan.settings, plan.problems)


def _layers(results: list[HookResult], kind: SourceKind) -> tuple[Layer, ...]:
    return tuple(
        Layer(Source(kind, result.plugin.label), result.value) for result in results if result.plugin.status == "loaded"
    )


def _check_settings(plan: Plan, installed: EntryPoints) -> None:
    """Check settings that the SDK reads, or that are read before there is a plan and problems can be reported."""
    reader = Reader(plan.settings, "opentelemetry-sdk")
    reader.choice("OTEL_SDK_DISABLED", ("true", "false"), "false")
    reader.choice("OTEL_LOG_LEVEL", tuple(LOG_LEVELS), "warn")
    own = Reader(plan.settings, "distrokit")
    strict, lazy = own.flag("DISTROKIT_STRICT", default=False), own.flag("DISTROKIT_LAZY", default=True)
    # Strict: all problems must be known before the application starts.
    if strict.value:
        plan.lazy = Value(False, strict.source)
    elif plan.settings.value("DISTROKIT_LAZY") is not None:
        plan.lazy = lazy
    own.flag("DISTROKIT_TRACE_HOOKS", default=False)
    own.flag("DISTROKIT_ATTACH", default=True)
    tracer = own.choice("DISTROKIT_TRACER", ("distrokit", "sdk"), "distrokit")
    if plan.settings.value("DISTROKIT_TRACER") is not None:
        plan.tracer = tracer
    late = own.choice("DISTROKIT_LATE_PROCESSORS", LATE_PLACEMENTS, "behind")
    if plan.settings.value("DISTROKIT_LATE_PROCESSORS") is not None:
        plan.late_processors = late
    own.choice("DISTROKIT_DOCTOR", DOCTOR_CHOICES, "false")
    plan.sdk_settings = sdk_settings.check_sdk_settings(
        reader, lambda group: [point.name for point in installed.group(group)]
    )
    plan.problems.extend((*reader.problems, *own.problems))

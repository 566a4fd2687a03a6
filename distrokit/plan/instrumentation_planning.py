"""What is said of instrumentations as plans of them; imports none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.plan.instrumentation_names import (
    is_nearly_installed,
    not_installed_problem,
    report_misspelt_names,
    unknown_name_problem,
)
from distrokit.plan.instrumentations import Instrumentations
from distrokit.plan.plan import InstrumentationPlan
from distrokit.plan.selection.instrumentations import instrumentations_of_settings
from distrokit.plan.selection.selection import SelectedInstrumentation
from distrokit.plugins.entry_points import EntryPoints, distribution_of
from distrokit.settings.bundles import to_install
from distrokit.settings.layers import Settings
from distrokit.settings.own_settings import INSTRUMENTATION_ORDER
from distrokit.settings.reader import Reader, strength_for_one
from distrokit.settings.values import Source, Value

#: OpenTelemetry's own group.
GROUP = "opentelemetry_instrumentor"

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
ENABLED = "DISTROKIT_ENABLED_INSTRUMENTATIONS"

#: Upstream's deprecated switch for log records, which its successor takes for "somebody else does it".
LOGGING_SWITCH = "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"

Plans = dict[str, InstrumentationPlan]


def plan_instrumentations(
    settings: Settings, installed: EntryPoints, selected: Iterable[SelectedInstrumentation], problems: list[Problem]
) -> Plans:
    """Every installed instrumentation, on or off, in the order they are applied; imports none of them.

    Args:
        choices: what a configuration file says.
        problems: receives names that no package has, and what cannot be used.
    """
    plans: Plans = {}
    for point in installed.group(GROUP):
        plan = InstrumentationPlan(point.name, point=point)
        # Two packages may publish one name, and upstream applies both.
        plans[point.name if point.name not in plans else f"{point.name} ({distribution_of(point)})"] = plan
    all_selected = list(selected)
    for item in all_selected:
        _add_from_file(plans, item, problems)
    all_selected += instrumentations_of_settings(
        settings, list(dict.fromkeys(p.name for p in plans.values())), problems
    )
    requested = {key for key, plan in plans.items() if _apply_selected(plan, all_selected)}
    _apply_allow_list(plans, settings, requested, problems)
    apply_deny_list(plans, settings)
    report_misspelt_names(DISABLED, [plan.name for plan in plans.values()], settings, problems)
    _apply_logging_switch(plans, settings, problems)
    return _sort(plans, settings, problems)


def _add_from_file(plans: Plans, selected: SelectedInstrumentation, problems: list[Problem]) -> None:
    """A name that only a file has: a new instrumentation where the class is given, else a mistake.

    What is turned off need not be installed.
    """
    names = [plan.name for plan in plans.values()]
    if selected.name.lower() in map(str.lower, names):
        return
    if selected.replaced_by is not None:
        plans[selected.name] = InstrumentationPlan(selected.name, source=selected.source)
    elif selected.enabled is None or selected.enabled.value or is_nearly_installed(selected.name, names):
        problems.append(not_installed_problem(f"{selected.source} {selected.name}", selected.name, names))


def _apply_selected(plan: InstrumentationPlan, selected: Iterable[SelectedInstrumentation]) -> bool:
    """Of each thing that is said the strongest; returns whether somebody asked for this very instrumentation."""
    matching = [item for item in selected if item.name.lower() == plan.name.lower()]
    enabled = _strongest(item.enabled for item in matching)
    replaced_by = _strongest(item.replaced_by for item in matching)
    if replaced_by:
        plan.replacement = replaced_by.value
    decisive = enabled or replaced_by
    plan.source = decisive.source if decisive else _find_file_source(matching) or plan.source
    if enabled is not None and not enabled.value:
        plan.enabled = False
        plan.why = f"{enabled.source} has enabled: false" if enabled.source.kind == "file" else f"{enabled.source}: off"
    for prefix, keywords, selected_options in (
        ("", plan.options, [item.options for item in matching]),
        ("init.", plan.init_options, [item.init_options for item in matching]),
    ):
        for keyword in dict.fromkeys(keyword for options in selected_options for keyword in options):
            value = _strongest(options.get(keyword) for options in selected_options)
            if value is not None:
                keywords[keyword], plan.sources[prefix + keyword] = value.plain(), value.source
    if enabled is not None and enabled.value and enabled.source.chosen:
        plan.asked = enabled.source
    elif replaced_by is not None and replaced_by.source.chosen:
        plan.asked = replaced_by.source
    return bool(enabled and enabled.value)


def _strongest(values: Iterable[Value[Any] | None]) -> Value[Any] | None:
    return max((v for v in values if v is not None), key=lambda v: strength_for_one(v.source), default=None)


def _find_file_source(selected: Iterable[SelectedInstrumentation]) -> Source | None:
    return next((item.source for item in selected if item.source.kind == "file"), None)


def _apply_allow_list(plans: Plans, settings: Settings, requested: set[str], problems: list[Problem]) -> None:
    """Without an allow-list, or with ``*`` in it, all; what was asked for by itself needs no entry in it.

    ``none`` alone is for none of the others.
    """
    allow_list, names = settings.value(ENABLED), settings.names(ENABLED)
    if allow_list is None or not names or "*" in names:
        return
    allowed = {name.lower() for name in names}
    for key, plan in plans.items():
        if plan.enabled and key not in requested and plan.name.lower() not in allowed:
            plan.enabled, plan.why, plan.source = False, f"not listed in {ENABLED}", allow_list.source
        elif key not in requested and allow_list.source.chosen:
            plan.asked = allow_list.source
    if not allow_list.source.chosen or allowed == {"none"}:
        # A distro's list is of what it supports, and hardly anybody has all of it.
        return
    installed = [plan.name for plan in plans.values()]
    known = {name.lower() for name in installed}
    outcome = "" if any(plan.enabled for plan in plans.values()) else "no instrumentation is applied"
    problems += [
        unknown_name_problem(ENABLED, allow_list, name, installed, outcome)
        for name in names
        if name.lower() not in known
    ]


def apply_deny_list(plans: Plans, settings: Settings) -> None:
    """Stronger than everything else that settings and a file say."""
    deny_list, names = settings.value(DISABLED), settings.names(DISABLED)
    if deny_list is None:
        return
    for name in names:
        for plan in plans.values():
            if name.lower() in ("*", plan.name.lower()):
                plan.enabled, plan.why, plan.source = False, f"{DISABLED} has {name!r}", deny_list.source


def _sort(plans: Plans, settings: Settings, problems: list[Problem]) -> Plans:
    """Those that are named first, in that order; then the others by name."""
    first = {name.lower(): at for at, name in reversed(list(enumerate(settings.names(INSTRUMENTATION_ORDER))))}
    report_misspelt_names(INSTRUMENTATION_ORDER, [plan.name for plan in plans.values()], settings, problems)
    ranked = sorted(plans.items(), key=lambda item: (first.get(item[1].name.lower(), len(first)), item[1].name))
    return Instrumentations(ranked)


def _apply_logging_switch(
    plans: Mapping[str, InstrumentationPlan], settings: Settings, problems: list[Problem]
) -> None:
    """One answer to who turns log records into telemetry: the instrumentation, once, if it is installed."""
    reader = Reader(settings, "distrokit")
    switch = reader.choice(LOGGING_SWITCH, ("true", "false"), "")
    problems.extend(reader.problems)
    logging = plans.get("logging")
    if switch.value == "false" and logging:
        keyword = "enable_log_auto_instrumentation"
        logging.options.setdefault(keyword, False)
        logging.sources.setdefault(keyword, switch.source)
        logging.source = switch.source
    elif switch.value == "true" and logging is None:
        problems.append(
            Problem(
                code="instrumentation-unknown",
                subject=f"{LOGGING_SWITCH}={switch.value}",
                cause="opentelemetry-instrumentation-logging is not installed",
                outcome="log records are not exported",
                remedy=to_install("opentelemetry-instrumentation-logging"),
            )
        )

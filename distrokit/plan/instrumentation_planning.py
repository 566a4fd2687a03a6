"""Plans instrumentations from settings and a configuration file; imports none of them."""

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
from distrokit.plugins.entry_points import INSTRUMENTORS, EntryPoints, distribution_of
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.layers import Settings
from distrokit.settings.reader import Reader, strength_for_one
from distrokit.settings.settings_in_files import INSTRUMENTATION_ORDER
from distrokit.settings.values import Source, Value

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
ENABLED = "DISTROKIT_ENABLED_INSTRUMENTATIONS"

#: Upstream's deprecated switch for log records; the instrumentation reads it as: other code exports them.
LOGGING_SWITCH = "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"

Plans = dict[str, InstrumentationPlan]


def plan_instrumentations(
    settings: Settings, installed: EntryPoints, selected: Iterable[SelectedInstrumentation], problems: list[Problem]
) -> Plans:
    """Plan every installed instrumentation, on or off, in the order in which they are applied.

    Args:
        selected: from a configuration file.
        problems: receives names that no package has, and invalid values.
    """
    plans: Plans = {}
    triggers = installed.triggers()
    for point in installed.group(INSTRUMENTORS):
        plan = InstrumentationPlan(point.name, point=point, triggers=triggers(point))
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
    """Add an instrumentation that is not installed but has a class in the file; report one without a class.

    One that is turned off need not be installed.
    """
    names = [plan.name for plan in plans.values()]
    if selected.name.lower() in map(str.lower, names):
        return
    if selected.replaced_by is not None:
        plans[selected.name] = InstrumentationPlan(selected.name, source=selected.source)
    elif selected.enabled is None or selected.enabled.value or is_nearly_installed(selected.name, names):
        problems.append(not_installed_problem(f"{selected.source} {selected.name}", selected.name, names))


def _apply_selected(plan: InstrumentationPlan, selected: Iterable[SelectedInstrumentation]) -> bool:
    """Apply the strongest of each value to the plan; return true if this instrumentation was turned on by name."""
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
    """Turn off instrumentations that are not in the allow list, unless they were turned on by name.

    Without a list, or with ``*`` in it, all are on. ``none`` alone turns off all others.
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
        # A distro lists all that it supports; few users have all of it installed.
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
    """Turn off what the deny list names; it overrides all other settings and the file."""
    deny_list, names = settings.value(DISABLED), settings.names(DISABLED)
    if deny_list is None:
        return
    for name in names:
        for plan in plans.values():
            if name.lower() in ("*", plan.name.lower()):
                plan.enabled, plan.why, plan.source = False, f"{DISABLED} has {name!r}", deny_list.source


def _sort(plans: Plans, settings: Settings, problems: list[Problem]) -> Plans:
    """Sort instrumentations: those in the order setting first, then the others by name."""
    first = {name.lower(): at for at, name in reversed(list(enumerate(settings.names(INSTRUMENTATION_ORDER))))}
    report_misspelt_names(INSTRUMENTATION_ORDER, [plan.name for plan in plans.values()], settings, problems)
    ranked = sorted(plans.items(), key=lambda item: (first.get(item[1].name.lower(), len(first)), item[1].name))
    return Instrumentations(ranked)


def _apply_logging_switch(
    plans: Mapping[str, InstrumentationPlan], settings: Settings, problems: list[Problem]
) -> None:
    """Apply upstream's switch to the logging instrumentation, so that log records are exported once."""
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

"""What is said of instrumentations as plans of them; imports none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.plan.instrumentation_names import misspelt, nearly_installed, not_installed, unknown
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


def planned(
    settings: Settings, installed: EntryPoints, choices: Iterable[SelectedInstrumentation], problems: list[Problem]
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
    said = list(choices)
    for choice in said:
        _introduce(plans, choice, problems)
    said += instrumentations_of_settings(settings, list(dict.fromkeys(p.name for p in plans.values())), problems)
    wanted = {key for key, plan in plans.items() if _choose(plan, said)}
    _allow(plans, settings, wanted, problems)
    deny(plans, settings)
    misspelt(DISABLED, [plan.name for plan in plans.values()], settings, problems)
    _log_records(plans, settings, problems)
    return _in_order(plans, settings, problems)


def _introduce(plans: Plans, choice: SelectedInstrumentation, problems: list[Problem]) -> None:
    """A name that only a file has: a new instrumentation where the class is given, else a mistake.

    What is turned off need not be installed.
    """
    names = [plan.name for plan in plans.values()]
    if choice.name.lower() in map(str.lower, names):
        return
    if choice.replaced_by is not None:
        plans[choice.name] = InstrumentationPlan(choice.name, source=choice.source)
    elif choice.enabled is None or choice.enabled.value or nearly_installed(choice.name, names):
        problems.append(not_installed(f"{choice.source} {choice.name}", choice.name, names))


def _choose(plan: InstrumentationPlan, choices: Iterable[SelectedInstrumentation]) -> bool:
    """Of each thing that is said the strongest; returns whether somebody asked for this very instrumentation."""
    said = [choice for choice in choices if choice.name.lower() == plan.name.lower()]
    enabled = _strongest(choice.enabled for choice in said)
    replaced_by = _strongest(choice.replaced_by for choice in said)
    if replaced_by:
        plan.replacement = replaced_by.value
    decided = enabled or replaced_by
    plan.source = decided.source if decided else _file_of(said) or plan.source
    if enabled is not None and not enabled.value:
        plan.enabled = False
        plan.why = f"{enabled.source} has enabled: false" if enabled.source.kind == "file" else f"{enabled.source}: off"
    for prefix, keywords, given in (
        ("", plan.options, [choice.options for choice in said]),
        ("init.", plan.init_options, [choice.init_options for choice in said]),
    ):
        for keyword in dict.fromkeys(keyword for options in given for keyword in options):
            value = _strongest(options.get(keyword) for options in given)
            if value is not None:
                keywords[keyword], plan.sources[prefix + keyword] = value.plain(), value.source
    if enabled is not None and enabled.value and enabled.source.chosen:
        plan.asked = enabled.source
    elif replaced_by is not None and replaced_by.source.chosen:
        plan.asked = replaced_by.source
    return bool(enabled and enabled.value)


def _strongest(values: Iterable[Value[Any] | None]) -> Value[Any] | None:
    return max((v for v in values if v is not None), key=lambda v: strength_for_one(v.source), default=None)


def _file_of(choices: Iterable[SelectedInstrumentation]) -> Source | None:
    return next((choice.source for choice in choices if choice.source.kind == "file"), None)


def _allow(plans: Plans, settings: Settings, wanted: set[str], problems: list[Problem]) -> None:
    """Without an allow-list, or with ``*`` in it, all; what was asked for by itself needs no entry in it.

    ``none`` alone is for none of the others.
    """
    choice, names = settings.value(ENABLED), settings.names(ENABLED)
    if choice is None or not names or "*" in names:
        return
    allowed = {name.lower() for name in names}
    for key, plan in plans.items():
        if plan.enabled and key not in wanted and plan.name.lower() not in allowed:
            plan.enabled, plan.why, plan.source = False, f"not listed in {ENABLED}", choice.source
        elif key not in wanted and choice.source.chosen:
            plan.asked = choice.source
    if not choice.source.chosen or allowed == {"none"}:
        # A distro's list is of what it supports, and hardly anybody has all of it.
        return
    installed = [plan.name for plan in plans.values()]
    known = {name.lower() for name in installed}
    outcome = "" if any(plan.enabled for plan in plans.values()) else "no instrumentation is applied"
    problems += [unknown(ENABLED, choice, name, installed, outcome) for name in names if name.lower() not in known]


def deny(plans: Plans, settings: Settings) -> None:
    """Stronger than everything else that settings and a file say."""
    choice, names = settings.value(DISABLED), settings.names(DISABLED)
    if choice is None:
        return
    for name in names:
        for plan in plans.values():
            if name.lower() in ("*", plan.name.lower()):
                plan.enabled, plan.why, plan.source = False, f"{DISABLED} has {name!r}", choice.source


def _in_order(plans: Plans, settings: Settings, problems: list[Problem]) -> Plans:
    """Those that are named first, in that order; then the others by name."""
    first = {name.lower(): at for at, name in reversed(list(enumerate(settings.names(INSTRUMENTATION_ORDER))))}
    misspelt(INSTRUMENTATION_ORDER, [plan.name for plan in plans.values()], settings, problems)
    ranked = sorted(plans.items(), key=lambda item: (first.get(item[1].name.lower(), len(first)), item[1].name))
    return Instrumentations(ranked)


def _log_records(plans: Mapping[str, InstrumentationPlan], settings: Settings, problems: list[Problem]) -> None:
    """One answer to who turns log records into telemetry: the instrumentation, once, if it is installed."""
    reader = Reader(settings, "distrokit")
    asked = reader.choice(LOGGING_SWITCH, ("true", "false"), "")
    problems.extend(reader.problems)
    logging = plans.get("logging")
    if asked.value == "false" and logging:
        keyword = "enable_log_auto_instrumentation"
        logging.options.setdefault(keyword, False)
        logging.sources.setdefault(keyword, asked.source)
        logging.source = asked.source
    elif asked.value == "true" and logging is None:
        problems.append(
            Problem(
                code="instrumentation-unknown",
                subject=f"{LOGGING_SWITCH}={asked.value}",
                cause="opentelemetry-instrumentation-logging is not installed",
                outcome="log records are not exported",
                remedy=to_install("opentelemetry-instrumentation-logging"),
            )
        )

"""Which libraries are instrumented, with which options, and when.

The plan decides, and it is done here: by name, so that no directory has a say in the order (it matters:
contrib#3476), and each instrumentation under guard of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, EntryPoint

from distrokit.choices import InstrumentationChoice
from distrokit.diagnostics import Problem, contain, describe_exception, did_you_mean, trace_of
from distrokit.entry_points import EntryPoints, distribution_of
from distrokit.parameters import Reader
from distrokit.plan import InstrumentationPlan, Plan
from distrokit.settings import Settings

#: OpenTelemetry's own group.
GROUP = "opentelemetry_instrumentor"

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


#: Upstream's deprecated switch for log records, which its successor takes for "somebody else does it".
LOGGING_SWITCH = "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"


def planned(
    settings: Settings,
    installed: EntryPoints,
    choices: Iterable[InstrumentationChoice],
    problems: list[Problem],
) -> dict[str, InstrumentationPlan]:
    """Every installed instrumentation, on or off; imports none of them.

    Args:
        choices: what a configuration file says.
        problems: receives names that no package has.
    """
    plans: dict[str, InstrumentationPlan] = {}
    for point in installed.group(GROUP):
        plan = InstrumentationPlan(point.name, point=point)
        # Two packages may publish one name, and upstream applies both.
        plans[point.name if point.name not in plans else f"{point.name} ({distribution_of(point)})"] = plan
    for choice in choices:
        _choose(plans, choice, problems)
    _disable(plans, settings)
    _log_records(plans, settings, problems)
    return plans


def _disable(plans: Mapping[str, InstrumentationPlan], settings: Settings) -> None:
    choice = settings.value(DISABLED)
    for name in settings.names(DISABLED):
        for plan in plans.values():
            if choice and name.lower() in ("*", plan.name.lower()):
                plan.enabled, plan.why, plan.source = False, f"{DISABLED} has {name!r}", choice.source


def _choose(plans: Mapping[str, InstrumentationPlan], choice: InstrumentationChoice, problems: list[Problem]) -> None:
    named = [plan for plan in plans.values() if plan.name.lower() == choice.name.lower()]
    for plan in named:
        plan.enabled, plan.source = choice.enabled, choice.source
        plan.why = "" if choice.enabled else f"{choice.source} has enabled: false"
        plan.options.update(choice.options)
    if not named and choice.enabled:
        names = [plan.name for plan in plans.values()]
        problems.append(
            Problem(
                code="instrumentation-unknown",
                subject=f"{choice.source} {choice.name}",
                cause=f"no package has an instrumentation of this name (there are {', '.join(names) or 'none'})",
                outcome="it has no effect",
                remedy=did_you_mean(choice.name, names) or "Install the package that has it.",
                severity="warning",
            )
        )


def _log_records(plans: Mapping[str, InstrumentationPlan], settings: Settings, problems: list[Problem]) -> None:
    """One answer to who turns log records into telemetry: the instrumentation, once, if it is installed."""
    reader = Reader(settings, "distrokit")
    asked = reader.choice(LOGGING_SWITCH, ("true", "false"), "")
    problems.extend(reader.problems)
    logging = plans.get("logging")
    if asked.value == "false" and logging:
        logging.options.setdefault("enable_log_auto_instrumentation", False)
        logging.source = asked.source
    elif asked.value == "true" and logging is None:
        problems.append(
            Problem(
                code="instrumentation-unknown",
                subject=f"{LOGGING_SWITCH}={asked.value}",
                cause="opentelemetry-instrumentation-logging is not installed",
                outcome="log records do not become telemetry",
                remedy="Run `pip install opentelemetry-instrumentation-logging`.",
            )
        )


def apply(item: InstrumentationPlan, point: EntryPoint, problems: list[Problem]) -> None:
    """Apply one instrumentation as planned; whatever it does wrong, the next one is still applied.

    Args:
        problems: receives what goes wrong.
    """
    try:
        if reason := conflict(point):
            item.enabled, item.why = False, reason
            return
        instrumentor = item.replacement or point.load()
        instrumentor().instrument(**{"skip_dep_check": True, **item.options})
        item.applied = True
    except ModuleNotFoundError as error:
        # The library is not installed, which is the normal case of a broad set of instrumentations
        # (contrib#3421); not a problem, but `explain` can say it.
        item.enabled, item.why = False, str(error)
    except BaseException as error:
        contain(error)
        item.enabled, item.why = False, describe_exception(error)
        problems.append(
            Problem(
                code="instrumentation-failed",
                subject=f"instrumentation {item.name} ({item.distribution} {item.version})",
                cause=describe_exception(error),
                outcome="it is left out, the others are applied",
                remedy=f"Repair or uninstall it, or set {DISABLED}={item.name}.",
                detail=trace_of(error),
            )
        )


def apply_all(plan: Plan) -> None:
    """Apply every planned instrumentation that fits the libraries installed here, in the plan's order."""
    if plan.disabled.value:
        return
    # They read variables of their own while they are imported and applied.
    with plan.settings.exposed({**plan.sdk_settings, LOGGING_SWITCH: None}):
        for item in plan.instrumentations.values():
            if item.point is not None and item.enabled and not item.applied:
                apply(item, item.point, plan.problems)


def conflict(point: EntryPoint) -> str:
    """Why an instrumentation does not fit the libraries installed here; empty when it does.

    The check is OpenTelemetry's own (``opentelemetry.instrumentation.dependencies``); its loader, which
    makes it too, is who logs a version that does not fit.
    """
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts

    if not isinstance(point.dist, Distribution):
        return ""
    found = get_dist_dependency_conflicts(point.dist)
    return str(found).strip() if found else ""

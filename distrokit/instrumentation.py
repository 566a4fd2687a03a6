"""Which libraries are instrumented, with which options, and when.

The plan decides, and it is done here: by name, so that no directory has a say in the order (it matters:
contrib#3476), and each instrumentation under guard of its own.
"""

from __future__ import annotations

from importlib.metadata import Distribution, EntryPoint

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.entry_points import EntryPoints, distribution_of
from distrokit.plan import InstrumentationPlan, Plan
from distrokit.settings import BUILT_IN, Settings

#: OpenTelemetry's own group.
GROUP = "opentelemetry_instrumentor"

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def planned(settings: Settings, installed: EntryPoints) -> dict[str, InstrumentationPlan]:
    """Every installed instrumentation, on or off; imports none of them."""
    disabled = settings.names(DISABLED)
    choice = settings.value(DISABLED)
    plans: dict[str, InstrumentationPlan] = {}
    for point in installed.group(GROUP):
        named = next((name for name in disabled if name.lower() in ("*", point.name.lower())), None)
        plan = InstrumentationPlan(
            point.name,
            enabled=named is None,
            why=f"{DISABLED} has {named!r}" if named else "",
            source=choice.source if named and choice else BUILT_IN,
            point=point,
        )
        # Two packages may publish one name, and upstream applies both.
        plans[point.name if point.name not in plans else f"{point.name} ({distribution_of(point)})"] = plan
    return plans


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
    with plan.settings.exposed(plan.sdk_settings):
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

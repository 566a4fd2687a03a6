"""Which libraries are instrumented, with which options, and when.

OpenTelemetry's loader goes over the entry points and hands each one to the distro; what happens
then is decided by the plan and done here, each instrumentation under guard of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any

from distrokit.diagnostics import Problem, describe_exception, trace_of
from distrokit.plan import InstrumentationPlan, Plan
from distrokit.plugins import FAULTS
from distrokit.settings import BUILT_IN, Settings

#: OpenTelemetry's own group.
GROUP = "opentelemetry_instrumentor"

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def planned(settings: Settings, points: Iterable[EntryPoint] | None = None) -> dict[str, InstrumentationPlan]:
    """Every installed instrumentation, on or off; imports none of them.

    Args:
        points: ``None`` for the installed ones.
    """
    disabled = settings.names(DISABLED)
    choice = settings.value(DISABLED)
    plans: dict[str, InstrumentationPlan] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=_order):
        named = next((name for name in disabled if name in ("*", point.name)), None)
        plan = InstrumentationPlan(
            point.name,
            distribution=point.dist.name if point.dist else "",
            version=point.dist.version if point.dist else "",
            enabled=named is None,
            why=f"{DISABLED} has {named!r}" if named else "",
            source=choice.source if named and choice else BUILT_IN,
            point=point,
        )
        # Two packages may publish one name, and upstream applies both.
        plans[point.name if point.name not in plans else f"{point.name} ({plan.distribution})"] = plan
    return plans


def apply(plan: Plan, point: EntryPoint, **kwargs: Any) -> None:
    """Apply one instrumentation as planned; whatever it does wrong, the next one is still applied.

    Args:
        plan: ``plan.problems`` receives what goes wrong.
        point: the entry point, as OpenTelemetry's loader found it.
        kwargs: for ``instrument()``, from the loader; weaker than the plan's options.
    """
    item = _find(plan, point)
    if plan.disabled.value or not item.enabled or item.applied:
        return
    try:
        instrumentor = item.replacement or point.load()
        instrumentor().instrument(**{**kwargs, **item.options})
        item.applied = True
    except ModuleNotFoundError as error:
        # The library is not installed, which is the normal case of a broad set of instrumentations
        # (contrib#3421); not a problem, but `explain` can say it.
        item.enabled, item.why = False, str(error)
    except FAULTS as error:
        item.enabled, item.why = False, describe_exception(error)
        plan.problems.append(
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
    """Apply every planned instrumentation, for a start without OpenTelemetry's loader."""
    for item in plan.instrumentations.values():
        if item.point is None or not item.enabled:
            continue
        if reason := conflict(item.point):
            item.enabled, item.why = False, reason
        else:
            apply(plan, item.point, skip_dep_check=True)


def conflict(point: EntryPoint) -> str:
    """Why an instrumentation does not fit the libraries installed here; empty when it does.

    OpenTelemetry's loader makes the same check (``opentelemetry.instrumentation.dependencies``) before
    it hands over an entry point; at start it is not made twice, since it costs a millisecond each.
    """
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts

    if not isinstance(point.dist, Distribution):
        return ""
    found = get_dist_dependency_conflicts(point.dist)
    return str(found).strip() if found else ""


def _find(plan: Plan, point: EntryPoint) -> InstrumentationPlan:
    for item in plan.instrumentations.values():
        if item.point is not None and (item.point.name, item.point.value) == (point.name, point.value):
            return item
    return InstrumentationPlan(point.name, point=point)


def _order(point: EntryPoint) -> tuple[str, str]:
    return point.name, point.dist.name if point.dist else ""

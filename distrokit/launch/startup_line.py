"""The line about the running pipeline."""

from __future__ import annotations

from distrokit.diagnostics import quantity
from distrokit.plan.plan import ExporterPlan, Plan

#: Largest number of instrumentations that are named.
_MOST_NAMES = 5


def startup_line(plan: Plan, service: str) -> str:
    """Return one line: service, signals with destinations, number of instrumentations, number of problems."""
    if plan.disabled.value:
        parts = [f"nothing is recorded or sent ({plan.disabled.source})", _propagators(plan)]
    else:
        parts = _routes(plan)
    applied = sum(item.applied for item in plan.instrumentations.values())
    waiting = [item.name for item in plan.instrumentations.values() if item.enabled and item.why]
    later = ", ".join(waiting) if len(waiting) <= _MOST_NAMES else f"{len(waiting)} others"
    return "; ".join(
        [
            f"{service or 'a service without a name'}: {parts[0]}",
            *parts[1:],
            (quantity(applied, "instrumentation") if applied else "no instrumentations")
            + (f", and {later} later" if later else ""),
            quantity(len(plan.problems), "problem") if plan.problems else "no problems",
        ]
    )


def _propagators(plan: Plan) -> str:
    if plan.propagators is None:
        return "propagators tracecontext, baggage"
    return f"propagators {', '.join(component.name for component in plan.propagators) or 'none'}"


def _routes(plan: Plan) -> list[str]:
    signals: dict[str, list[str]] = {}
    for signal, planned in plan.signals.items():
        # Without the signal's path, so that signals of one receiver are grouped.
        exported = [] if planned.withheld else planned.exporters
        where = ", ".join(_destination(item).removesuffix(f"/v1/{signal}") for item in exported) or "nowhere"
        signals.setdefault(where, []).append(signal)
    return [f"{', '.join(group)} → {where}" for where, group in signals.items()]


def _destination(item: ExporterPlan) -> str:
    shown = [item.exporter.name]
    for name in ("protocol", "endpoint"):
        value = item.exporter.parameters.get(name)
        if value is not None and value.value:
            shown.append(str(value.printable()))
    return " ".join(shown)

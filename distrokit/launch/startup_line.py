"""The one line that says what is running."""

from __future__ import annotations

from distrokit.diagnostics import quantity
from distrokit.plan.plan import ExporterPlan, Plan


def startup_line(plan: Plan, service: str) -> str:
    """Service, signals and where they go, how many instrumentations, how many problems."""
    if plan.disabled.value:
        ways = [f"nothing is recorded or sent ({plan.disabled.source})", _propagators(plan)]
    else:
        ways = _ways(plan)
    applied = sum(item.applied for item in plan.instrumentations.values())
    later = ", ".join(item.name for item in plan.instrumentations.values() if item.enabled and item.why)
    return "; ".join(
        [
            f"{service or 'a service without a name'}: {ways[0]}",
            *ways[1:],
            (quantity(applied, "instrumentation") if applied else "no instrumentations")
            + (f", and {later} later" if later else ""),
            quantity(len(plan.problems), "problem") if plan.problems else "no problems",
        ]
    )


def _propagators(plan: Plan) -> str:
    if plan.propagators is None:
        return "propagators tracecontext, baggage"
    return f"propagators {', '.join(component.name for component in plan.propagators) or 'none'}"


def _ways(plan: Plan) -> list[str]:
    signals: dict[str, list[str]] = {}
    for signal, planned in plan.signals.items():
        # The path of the signal is left out, so that signals of one receiver stand together.
        where = ", ".join(_destination(item).removesuffix(f"/v1/{signal}") for item in planned.exporters) or "nowhere"
        signals.setdefault(where, []).append(signal)
    return [f"{', '.join(group)} → {where}" for where, group in signals.items()]


def _destination(item: ExporterPlan) -> str:
    shown = [item.exporter.name]
    for name in ("protocol", "endpoint"):
        value = item.exporter.parameters.get(name)
        if value is not None and value.value:
            shown.append(str(value.printable()))
    return " ".join(shown)

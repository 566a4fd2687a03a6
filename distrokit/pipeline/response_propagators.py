"""What plugins add to the headers of responses: one response propagator that holds all, none of which costs a response.

Instrumentations ask for the global one and call it in the middle of the application's answer, without a guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation.propagators import ResponsePropagator

from distrokit.pipeline.components import Components
from distrokit.pipeline.stages import Named, Report
from distrokit.plan.plan import Plan

_OUTCOME = "what it adds is missing, the other response propagators run"


class ComposedResponsePropagator(ResponsePropagator):
    """Several, one after the other.

    Args:
        parts: in the order in which they run.
        report: told when one raised.
    """

    def __init__(self, parts: Sequence[Named[ResponsePropagator]], report: Report) -> None:
        self._parts = tuple(parts)
        self._report = report

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = propagators.default_setter) -> None:
        for part in self._parts:
            try:
                part.part.inject(carrier, context=context, setter=setter)
            except Exception as error:
                self._report(part.name, error, _OUTCOME)


def compose(
    plan: Plan, components: Components, report: Report, present: ResponsePropagator | None
) -> ComposedResponsePropagator | None:
    """The planned ones as one; ``None`` where none is planned, or none can be built.

    Args:
        present: the one that the process has already; it runs first.
    """
    parts = []
    for planned in plan.response_propagators:
        built = components.component(planned, ResponsePropagator, "it is left out, the other response propagators run")
        if built is not None:
            parts.append(Named(f"response propagator {planned.name} (plugin {planned.plugin})", built))
    if not parts:
        return None
    if present is not None:
        parts.insert(0, Named(f"response propagator {type(present).__qualname__}, which was there before", present))
    return ComposedResponsePropagator(parts, report)

"""One response propagator that runs all response propagators of plugins, each under guard.

Instrumentations call the global response propagator unguarded while the application responds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation.propagators import ResponsePropagator

from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.transforms import ErrorReporter, Named

_OUTCOME = "its response headers are missing; the other response propagators run"


class ComposedResponsePropagator(ResponsePropagator):
    """Several response propagators, called one after the other.

    Args:
        parts: in the order of calls.
        report: called when one raises.
    """

    def __init__(self, parts: Sequence[Named[ResponsePropagator]], report: ErrorReporter) -> None:
        self._parts = tuple(parts)
        self._report = report

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = propagators.default_setter) -> None:
        for part in self._parts:
            try:
                part.part.inject(carrier, context=context, setter=setter)
            except Exception as error:
                self._report(part.name, error, _OUTCOME)


def build_response_propagator(
    components: ComponentFactory, report: ErrorReporter, present: ResponsePropagator | None
) -> ComposedResponsePropagator | None:
    """Build the planned response propagators as one; ``None`` if none is planned, or none can be built.

    Args:
        present: the process's current one, which runs first; ``None`` if there is none.
    """
    parts = []
    for planned in components.plan.response_propagators:
        built = components.component(planned, ResponsePropagator, "it is left out; the other response propagators run")
        if built is not None:
            parts.append(Named(f"response propagator {planned.name} (plugin {planned.plugin})", built))
    if not parts:
        return None
    if present is not None:
        parts.insert(0, Named(f"response propagator {type(present).__qualname__} (set before distrokit)", present))
    return ComposedResponsePropagator(parts, report)

"""The composite of a plan's propagators."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.propagators import composite
from opentelemetry.propagators.textmap import CarrierT, Getter, TextMapPropagator, default_getter

from distrokit.pipeline.component_factory import ComponentFactory


class CompositePropagator(composite.CompositePropagator):
    """Upstream's composite, which returns ``None`` in place of a context if it has no propagators.

    Instrumentations attach the returned context; with ``None`` every request of a Flask application failed.
    """

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        extracted: Context | None = super().extract(carrier, context, getter)
        return Context() if extracted is None else extracted


def build_propagator(components: ComponentFactory) -> CompositePropagator | None:
    """Build the planned propagators as one; ``None`` if the plan does not set any."""
    planned = components.plan.propagators
    if planned is None:
        return None
    built = [components.component(component, TextMapPropagator, "it is left out") for component in planned]
    return CompositePropagator([propagator for propagator in built if propagator is not None])

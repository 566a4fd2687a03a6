"""The propagators of a plan as one."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.propagators import composite
from opentelemetry.propagators.textmap import CarrierT, Getter, default_getter


class CompositePropagator(composite.CompositePropagator):
    """As upstream's, which gives ``None`` for a context where there is no propagator to ask.

    Instrumentations attach what they are given, and with ``None`` every request of a Flask application failed.
    """

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        extracted: Context | None = super().extract(carrier, context, getter)
        return Context() if extracted is None else extracted

"""Which traces get call graphs: chosen where a trace arrives, carried on as baggage, marked on the spans.

The profiler itself is left out; see the README.
"""

from __future__ import annotations

import random
from typing import Any

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.trace import get_current_span

#: In the baggage, and what it says there.
VOLUME, CHOSEN, PASSED_OVER = "splunk.trace.snapshot.volume", "highest", "off"

MARK = "splunk.snapshot.profiling"


class Choice(TextMapPropagator):
    """Chooses, unless somebody up the line has. It stands behind ``baggage``, which reads that, and carries it on.

    Args:
        share: of the traces, from 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    @property
    def fields(self) -> set[str]:
        return set()

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        if baggage.get_baggage(VOLUME, context) is not None:
            return context or Context()
        picked = random.random() < self._share  # noqa: S311  # no secret is made of it
        return baggage.set_baggage(VOLUME, CHOSEN if picked else PASSED_OVER, context)

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        """Nothing: baggage carries it."""


class Marks(SpanProcessor):
    """Marks the first span that a chosen trace has in this process."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        parent = get_current_span(parent_context).get_span_context()
        here = parent.is_valid and not parent.is_remote
        if not here and baggage.get_baggage(VOLUME, parent_context) == CHOSEN:
            span.set_attribute(MARK, True)

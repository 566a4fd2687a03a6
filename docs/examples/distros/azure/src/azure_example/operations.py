"""Names the operation of a span, from what the agents' plugin has found."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from azure_example.agents import MAIN


class Operation(SpanProcessor):
    """At ``enrich``."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attribute("azure_example.operation", str((span.attributes or {}).get(MAIN, span.name)))

"""A response that tells its trace, for a browser that wants to go on with it."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation.propagators import ResponsePropagator, default_setter
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span


class ServerTiming(ResponsePropagator):
    """Adds ``Server-Timing``, and lets scripts of other origins see it; headers of others are kept by the setter."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = default_setter) -> None:
        span = get_current_span(context).get_span_context()
        if not span.is_valid:
            return
        trace, parent = format_trace_id(span.trace_id), format_span_id(span.span_id)
        setter.set(carrier, "Access-Control-Expose-Headers", "Server-Timing")
        setter.set(carrier, "Server-Timing", f'traceparent;desc="00-{trace}-{parent}-{span.trace_flags:02x}"')

"""X-Ray's header, and trace ids that begin with the time."""

from __future__ import annotations

import re
import time

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

HEADER = "X-Amzn-Trace-Id"
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"[0-9a-f]{16}")


class XRayIds(RandomIdGenerator):
    """X-Ray refuses a trace whose id does not begin with the second it was made in."""

    def generate_trace_id(self) -> int:
        return int(time.time()) << 96 | super().generate_trace_id() & ((1 << 96) - 1)


class XRayPropagator(TextMapPropagator):
    """``Root=1-…;Parent=…;Sampled=1``."""

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        context = Context() if context is None else context
        text = next(iter(getter.get(carrier, HEADER) or ()), "")
        pairs = {name.strip(): value for name, _, value in (part.partition("=") for part in text.split(";"))}
        root = _ROOT.fullmatch(pairs.get("Root", ""))
        parent = _PARENT.fullmatch(pairs.get("Parent", ""))
        if root is None or parent is None:
            return context
        span_context = trace.SpanContext(
            trace_id=int(root[1] + root[2], 16),
            span_id=int(parent[0], 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED if pairs.get("Sampled") == "1" else 0),
        )
        if not span_context.is_valid:
            return context
        return trace.set_span_in_context(trace.NonRecordingSpan(span_context), context)

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        span = trace.get_current_span(context).get_span_context()
        if span.is_valid:
            root = f"{span.trace_id:032x}"
            setter.set(
                carrier,
                HEADER,
                f"Root=1-{root[:8]}-{root[8:]};Parent={span.span_id:016x};Sampled={int(span.trace_flags.sampled)}",
            )

    @property
    def fields(self) -> set[str]:
        return {HEADER}

"""An exception that nothing catches ends the program with a traceback, inside a span."""

from opentelemetry import trace

with trace.get_tracer("shop").start_as_current_span("order"):
    raise ValueError("out of stock")

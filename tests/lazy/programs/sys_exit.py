"""``sys.exit(3)`` inside a span."""

import sys

from opentelemetry import trace

with trace.get_tracer("shop").start_as_current_span("order"):
    sys.exit(3)

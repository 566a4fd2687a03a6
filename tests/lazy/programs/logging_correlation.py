"""Log records outside and inside of a span, with OpenTelemetry's log correlation and a format for it in the environment."""

import logging

from opentelemetry import trace

logging.warning("outside")
with trace.get_tracer("shop").start_as_current_span("order"):
    logging.getLogger("shop").warning("inside")

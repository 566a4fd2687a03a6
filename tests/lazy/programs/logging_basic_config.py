"""``logging.basicConfig`` with a format, then records inside and outside of a span."""

import logging
import sys

from opentelemetry import trace

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)
logger = logging.getLogger("shop")
logger.info("outside")
with trace.get_tracer("shop").start_as_current_span("order"):
    logger.info("inside", extra={"order": 7})
logger.debug("too low")

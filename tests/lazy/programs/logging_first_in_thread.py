"""The first log record of the process comes from a thread, inside a span."""

import logging
import threading

from opentelemetry import trace


def work():
    with trace.get_tracer("shop").start_as_current_span("work"):
        logging.getLogger("shop").warning("from a thread")


thread = threading.Thread(target=work)
thread.start()
thread.join()

"""SIGTERM ends the program; what it has recorded is sent."""

import os
import signal
import time

from opentelemetry import trace

trace.get_tracer("shop").start_span("order").end()
print("recorded", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(5)

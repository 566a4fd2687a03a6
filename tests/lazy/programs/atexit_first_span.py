"""The first span of the process begins in an ``atexit`` function."""

import atexit


def last():
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("last"):
        print("last")


atexit.register(last)

"""The context of a span goes into threads, timers and pools."""

import threading
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace

tracer = trace.get_tracer("shop")


def work(name):
    with tracer.start_as_current_span(name):
        return trace.get_current_span().get_span_context().trace_id


with tracer.start_as_current_span("order") as order:
    thread = threading.Thread(target=work, args=("thread",))
    timer = threading.Timer(0.01, work, args=("timer",))
    for each in (thread, timer):
        each.start()
        each.join()
    with ThreadPoolExecutor(2) as pool:
        traces = {pool.submit(work, "submitted").result(), *pool.map(work, ["mapped", "mapped"])}
    print(traces == {order.get_span_context().trace_id})

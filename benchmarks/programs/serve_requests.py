"""A service in a closed loop: one thread, one request after the other, each with work and three spans. ``SECONDS``."""

from __future__ import annotations

import sys
import time

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from benchmarks.programs.results import finish, percentile

_WARM_UP = 200
#: About 50 µs on the machine of the published numbers.
_STEPS = 700


def work() -> int:
    """Do what an application does."""
    total = 0
    for step in range(_STEPS):
        total += step * step % 7
    return total


def serve(tracer: trace.Tracer, number: int) -> None:
    """Serve one request."""
    start = tracer.start_as_current_span
    request = {"http.request.method": "GET", "url.path": "/orders", "client.address": "10.0.0.1"}
    with start("GET /orders", kind=SpanKind.SERVER, attributes=request) as server:
        with start("load orders", attributes={"shop.orders": number}) as internal:
            internal.set_attribute("shop.result", work())
            query = {"db.system.name": "postgresql", "db.operation.name": "SELECT", "server.address": "db"}
            with start("SELECT orders", kind=SpanKind.CLIENT, attributes=query):
                pass
        server.set_attribute("http.response.status_code", 200)


def main() -> None:
    """Serve until the time is over."""
    seconds = float(sys.argv[1])
    tracer = trace.get_tracer("shop")
    for number in range(_WARM_UP):
        serve(tracer, number)
    clock = time.perf_counter_ns
    times: list[float] = []
    used = time.process_time()
    begin = before = clock()
    end = begin + seconds * 1e9
    while before < end:
        serve(tracer, len(times))
        now = clock()
        times.append((now - before) / 1000)
        before = now
    used = time.process_time() - used
    finish(
        per_second=len(times) / (before - begin) * 1e9,
        cpu_us=used * 1e6 / len(times),
        p50_us=percentile(times, 0.5),
        p99_us=percentile(times, 0.99),
        recorded=3 * (len(times) + _WARM_UP),
    )


main()

"""Records a span in a span at a steady rate, and prints how long the recording of the inner one takes.

``PER_SECOND SECONDS``: the rate counts both. Between two pairs the program sleeps, as a service without requests.
"""

from __future__ import annotations

import sys
import time

from opentelemetry import trace

from benchmarks.programs.results import finish, percentile

_WARM_UP = 200
#: Seconds of delay that are not made up for: a burst would follow.
_DELAY = 0.01


def main() -> None:
    """Record, and time each inner span."""
    pause, seconds = 2 / int(sys.argv[1]), float(sys.argv[2])
    start = trace.get_tracer("shop").start_as_current_span
    clock = time.perf_counter_ns
    times: list[float] = []
    begin = due = time.perf_counter()
    while (now := time.perf_counter()) - begin < seconds:
        if now < due:
            time.sleep(due - now)
        due = max(due, now - _DELAY) + pause
        with start("outer"):
            before = clock()
            with start("inner", attributes={"n": len(times)}):
                pass
            times.append((clock() - before) / 1000)
    measured = times[_WARM_UP:]
    finish(
        p50_us=percentile(measured, 0.5), p99_us=percentile(measured, 0.99), recorded=2 * len(times),
        per_second=2 * len(times) / seconds,
    )  # fmt: skip


main()

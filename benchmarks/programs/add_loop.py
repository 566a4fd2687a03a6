"""Adds to a counter in a tight loop, and prints the wall time of a call: the median of many short loops."""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.programs.items import make_counter
from benchmarks.programs.results import finish

#: So few that most loops end before another process gets the core.
_LOOP = 200


def main() -> None:
    """Measure some loops after one that is not measured."""
    loops = int(sys.argv[1])
    counter, attributes = make_counter(), {"kind": "order"}
    times = []
    for _ in range(loops + 1):
        begin = time.perf_counter_ns()
        for _ in range(_LOOP):
            counter.add(1, attributes)
        times.append((time.perf_counter_ns() - begin) / 1000 / _LOOP)
    finish(wall_us=statistics.median(times[1:]), recorded=(loops + 1) * _LOOP)


main()

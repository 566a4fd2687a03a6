"""Records spans of ten attributes, and ends: ``rate PER_SECOND SECONDS``, or ``burst NUMBER``.

It never flushes, so that what the queue cannot take is lost as in a service.
"""

from __future__ import annotations

import sys
import time

from benchmarks.programs.items import Record, make_recorder
from benchmarks.programs.results import finish

#: Spans before the measurement: imports and the connection. They count as recorded.
_WARM_UP = 100
#: The most spans between two looks at the clock, after a delay.
_CATCH_UP = 100


def main() -> None:
    """Record."""
    record, provider = make_recorder("ten")
    for one in range(_WARM_UP):
        record(one)
    provider.force_flush(30_000)
    begin = time.perf_counter()
    if sys.argv[1] == "burst":
        recorded = int(sys.argv[2])
        for one in range(recorded):
            record(one)
    else:
        recorded = _record_at_rate(record, int(sys.argv[2]), float(sys.argv[3]))
    wall = time.perf_counter() - begin
    finish(recorded=_WARM_UP + recorded, per_second=recorded / wall, wall_us=wall * 1e6 / recorded)


def _record_at_rate(record: Record, rate: int, seconds: float) -> int:
    """Return how many spans were recorded; it is less than what was wanted if a span takes too long for the rate."""
    begin, recorded = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        due = min(int(elapsed * rate), recorded + _CATCH_UP)
        if due == recorded:
            time.sleep(0.001)
        for one in range(recorded, due):
            record(one)
        recorded = due
    return recorded


main()

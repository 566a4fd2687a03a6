"""Records items of one kind under any distro, and prints the CPU time of one: of all threads, and of the recording one.

The queue is flushed before it is full, so that nothing is lost, and the cost of the export is counted in full.
"""

from __future__ import annotations

import sys
import time

from benchmarks.programs.items import make_recorder
from benchmarks.programs.results import finish

#: Items between two flushes: below the size of the queue, and a multiple of three for the nested ones.
_BATCH = 1023


def main() -> None:
    """Record and flush."""
    kind, number = sys.argv[1], int(sys.argv[2])
    record, provider = make_recorder(kind)
    for one in range(_BATCH):
        record(one)
    provider.force_flush(30_000)
    begin, recording = time.process_time(), 0.0
    for start in range(0, number, _BATCH):
        before = time.thread_time()
        for one in range(start, min(start + _BATCH, number)):
            record(one)
        recording += time.thread_time() - before
        if kind != "add":
            provider.force_flush(30_000)
    used = time.process_time() - begin
    finish(cpu_us=used * 1e6 / number, recording_us=recording * 1e6 / number, recorded=_BATCH + number)


main()

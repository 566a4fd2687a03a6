"""What a measured program prints: a line of JSON at the end of ``main``, and one with its peak memory when it ends."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Sequence


class _PeakMemory:
    """Prints the peak memory when Python deletes it: after all exit handlers, where telemetry is flushed.

    Python deletes ``sys.last_traceback`` then, before it removes the first module.
    """

    def __init__(self) -> None:
        self.write, self.peak, self.dumps = os.write, peak_memory, json.dumps

    def __del__(self) -> None:
        self.write(1, f"{self.dumps({'peak_mib': self.peak()})}\n".encode())


def peak_memory() -> float:
    """Return the peak memory of this process in MiB: VmHWM, which begins anew with each program that a process runs."""
    try:
        descriptor = os.open("/proc/self/status", os.O_RDONLY)
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    status = os.read(descriptor, 65536)
    os.close(descriptor)
    return int(status.partition(b"VmHWM:")[2].split()[0]) / 1024


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def finish(**results: float) -> None:
    """Print the results; call it last in ``main``. They get the time at which it was called."""
    vars(sys)["last_traceback"] = _PeakMemory()
    results["end_of_main"] = time.monotonic()
    sys.stdout.write(json.dumps(results) + "\n")
    sys.stdout.flush()

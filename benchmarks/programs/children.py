"""Start a child process several times, one after the other, and print what a child costs.

``subprocess`` starts a program here without a copy of this process (vfork or posix_spawn). The printed line has a
child's wall time and CPU time in seconds. ``BENCHMARK_CHILD`` is what follows ``python``, as JSON;
``BENCHMARK_CHILDREN`` is how many children there are, 20 by default.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time


def main() -> None:
    """Start the children."""
    command = [sys.executable, *json.loads(os.environ.get("BENCHMARK_CHILD", '["-c", "pass"]'))]
    children = int(os.environ.get("BENCHMARK_CHILDREN", "20"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    for _ in range(children):
        subprocess.run(command, check=True)  # noqa: S603  (the benchmark's own command)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps({"wall": wall / children, "cpu": cpu / children}) + "\n")


if __name__ == "__main__":
    main()

"""Run a command once, and write wall time, CPU time and peak memory of its process to a file.

``python -I -S timed.py FILE COMMAND …``. It imports little, because Linux counts the memory of the process that starts
another one towards the peak of that other one.
"""

import os
import sys
import time


def main() -> None:
    """Run the command; the file gets seconds, seconds, bytes and the exit status."""
    file, command = sys.argv[1], sys.argv[2:]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(file, "w", encoding="utf-8") as output:  # noqa: PTH123  (no module more than needed)
        output.write(f"{wall} {usage.ru_utime + usage.ru_stime} {peak} {os.waitstatus_to_exitcode(status)}")


main()

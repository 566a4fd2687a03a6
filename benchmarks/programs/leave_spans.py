"""Ends with spans in the queue: ``NUMBER``, less than the queue takes.

While they are recorded no other thread runs, since the interpreter would switch only after a minute. So none of them
has left the queue when ``main`` ends.
"""

from __future__ import annotations

import sys

from benchmarks.programs.items import make_recorder
from benchmarks.programs.results import finish

#: Spans before: imports and the connection.
_WARM_UP = 100


def main() -> None:
    """Record."""
    number = int(sys.argv[1])
    record, provider = make_recorder("ten")
    for one in range(_WARM_UP):
        record(one)
    if hasattr(provider, "force_flush"):  # None without telemetry.
        provider.force_flush(30_000)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    for one in range(number):
        record(one)
    sys.setswitchinterval(interval)
    finish(recorded=_WARM_UP + number)


main()

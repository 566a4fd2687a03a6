"""Runs what may hang: in a thread, against a deadline."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from distrokit.pipeline.os_signals import block_signals

#: These start no thread once the interpreter ends (cpython#113964), so one has to be there before.
_NEEDS_SPARES = (3, 12) <= sys.version_info < (3, 13)


class Bounded:
    """Runs calls side by side, each in a daemon thread: the interpreter does not wait for one that hangs."""

    def __init__(self) -> None:
        self._spares = 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def keep_ready(self, number: int) -> None:
        """Have so many threads wait, where none can be started at the end."""
        for _ in range(number if _NEEDS_SPARES else 0):
            threading.Thread(target=self._spare, name="distrokit-end", daemon=True).start()
            self._spares += 1

    def begin(self, call: Callable[[], object]) -> Call:
        """Start a call; where no thread can be had, it is made at once, in this one."""
        running = self.apart(call)
        if running is None:
            running = Call(call)
            running.run()
        return running

    def apart(self, call: Callable[[], object]) -> Call | None:
        """Start a call; where no thread can be had, it is not made, and there is ``None``."""
        running = Call(call)
        try:
            threading.Thread(target=running.run_alone, name="distrokit-end", daemon=True).start()
        except RuntimeError:
            if not self._spares:
                return None
            self._spares -= 1
            self._work.put(running.run_alone)
        return running

    def _spare(self) -> None:
        self._work.get()()


class Call:
    """A call that runs.

    Attributes:
        error: what it raised; ``None`` while it runs and when it raised nothing.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._done = threading.Event()
        self.error: BaseException | None = None
        self.result: object = None

    def run_alone(self) -> None:
        """Make the call in a thread that is there for nothing else."""
        block_signals()
        self.run()

    def run(self) -> None:
        """Make the call; keep what it raises."""
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        finally:
            self._done.set()

    def ended(self, deadline: float) -> bool:
        """Whether it ends by then (monotonic seconds)."""
        return self._done.wait(max(0.0, deadline - time.monotonic()))

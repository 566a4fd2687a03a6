"""Calls that may hang, run in threads against a deadline."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from distrokit.threads import start_thread

#: These releases start no thread once the interpreter ends (cpython#113964), so one must exist before.
_NEEDS_SPARES = (3, 12) <= sys.version_info < (3, 13)


class Bounded:
    """A runner of parallel calls, each in a daemon thread: the interpreter does not wait for one that hangs."""

    def __init__(self) -> None:
        self._spares = 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def keep_ready(self, number: int) -> None:
        """Start this number of waiting threads, on releases that cannot start one at exit."""
        # None starts any more when the first item is exported at exit.
        with contextlib.suppress(RuntimeError):
            for _ in range(number if _NEEDS_SPARES else 0):
                start_thread(threading.Thread(target=self._spare, name="distrokit-end", daemon=True))
                self._spares += 1

    def release(self) -> None:
        """End the waiting threads that no call has used."""
        while self._spares:
            self._spares -= 1
            self._work.put(lambda: None)

    def begin(self, call: Callable[[], object]) -> Call:
        """Start a call in a thread; if no thread can be started, make it at once in this thread."""
        running = self.begin_in_thread(call)
        if running is None:
            running = Call(call)
            running.run()
        return running

    def begin_in_thread(self, call: Callable[[], object]) -> Call | None:
        """Start a call in a thread; return ``None``, without a call, if no thread can be started."""
        running = Call(call)
        try:
            start_thread(threading.Thread(target=running.run, name="distrokit-end", daemon=True))
        except RuntimeError:
            if not self._spares:
                return None
            self._spares -= 1
            self._work.put(running.run)
        return running

    def _spare(self) -> None:
        self._work.get()()


class Call:
    """A call under way.

    Attributes:
        error: the exception it raised; ``None`` while it runs and when it raised nothing.
        result: its return value; ``None`` until it has returned.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._done = threading.Event()
        self.error: BaseException | None = None
        self.result: object = None

    def run(self) -> None:
        """Make the call and store its result or exception."""
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        finally:
            self._done.set()

    def ended(self, deadline: float) -> bool:
        """Wait for the end of the call; return false if it has not ended by the deadline (monotonic seconds)."""
        return self._done.wait(max(0.0, deadline - time.monotonic()))

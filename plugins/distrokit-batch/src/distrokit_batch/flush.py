"""Somebody who waits for a queue to be empty, and the thread that empties it."""

from __future__ import annotations

import contextlib
import threading
import time

#: What threads can wait for, in seconds.
FOREVER = threading.TIMEOUT_MAX
#: Seconds between two looks at whether the process ends.
_POLL_INTERVAL = 0.2


class Flush:
    """Somebody waits for the queue to be empty.

    Args:
        deadline: until when, on the monotonic clock.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._delivered = False
        self._completed = threading.Lock()
        self._completed.acquire()

    def complete(self, delivered: bool) -> None:
        """Whether all was delivered."""
        self._delivered = delivered
        with contextlib.suppress(RuntimeError):
            # It may have been answered before.
            self._completed.release()

    def wait(self, exit_seconds: float) -> bool:
        """The answer; false when none came by the deadline.

        Args:
            exit_seconds: how long it is waited for when the main thread is at its end: ``logging.shutdown()`` has
                OpenTelemetry's handler flush in a thread that the interpreter waits for.
        """
        ending = False
        while (left := self.deadline - time.monotonic()) > 0:
            if self._completed.acquire(timeout=min(left, _POLL_INTERVAL)):
                return self._delivered
            if not ending and not threading.main_thread().is_alive():
                ending = True
                self.deadline = min(self.deadline, time.monotonic() + exit_seconds)
        return False

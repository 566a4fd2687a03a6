"""A request to flush a queue, shared by the caller and the export thread."""

from __future__ import annotations

import contextlib
import threading
import time

#: Longest time in seconds that a thread can wait.
FOREVER = threading.TIMEOUT_MAX
#: Seconds between two checks whether the process ends.
_POLL_INTERVAL = 0.2


class QueueFlush:
    """A caller that waits until the queue is exported.

    Args:
        deadline: the end of the wait on the monotonic clock, in seconds.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._delivered = False
        self._completed = threading.Lock()
        self._completed.acquire()

    def complete(self, delivered: bool) -> None:
        """Wake the caller.

        Args:
            delivered: true when all items were delivered.
        """
        self._delivered = delivered
        with contextlib.suppress(RuntimeError):
            # It may be complete already.
            self._completed.release()

    def wait(self, exit_seconds: float) -> bool:
        """Wait for the result; false when none came by the deadline.

        Args:
            exit_seconds: the time limit once the main thread has ended: ``logging.shutdown()`` makes OpenTelemetry's
                handler flush in a thread that the interpreter waits for.
        """
        ending = False
        while (left := self.deadline - time.monotonic()) > 0:
            if self._completed.acquire(timeout=min(left, _POLL_INTERVAL)):
                return self._delivered
            if not ending and not threading.main_thread().is_alive():
                ending = True
                self.deadline = min(self.deadline, time.monotonic() + exit_seconds)
        return False

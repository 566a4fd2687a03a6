"""Somebody who waits for a queue to be empty, and the thread that empties it."""

from __future__ import annotations

import contextlib
import threading

#: What threads can wait for, in seconds.
FOREVER = threading.TIMEOUT_MAX


class Flush:
    """Somebody waits for the queue to be empty.

    Args:
        deadline: until when, on the monotonic clock.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._delivered = False
        self._answered = threading.Lock()
        self._answered.acquire()

    def answer(self, delivered: bool) -> None:
        """Whether all was delivered."""
        self._delivered = delivered
        with contextlib.suppress(RuntimeError):
            # It may have been answered before.
            self._answered.release()

    def awaited(self, seconds: float) -> bool:
        """The answer; false when none came in this time."""
        return self._answered.acquire(timeout=min(max(0.0, seconds), FOREVER)) and self._delivered

"""Keeps a number of items in each window of time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic


class RateLimit:
    """A limit in windows that follow each other; the first item behind the end of a window begins the next one.

    Args:
        limit: the number of items in a window.
        seconds: the length of a window.
        clock: in seconds; not the wall clock, which may jump.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._lock = Lock()
        self._begin, self._count = clock(), 0

    def admit(self) -> bool:
        """Count an item; return whether it is kept."""
        with self._lock:
            now = self._clock()
            if now - self._begin >= self._seconds:
                self._begin, self._count = now, 0
            self._count += 1
            return self._count <= self._limit

    def forked(self) -> None:
        """Begin a window of its own in a forked child."""
        self._lock = Lock()
        self._begin, self._count = self._clock(), 0

"""Learns the largest request that a receiver accepts from its responses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

#: Seconds until a larger request is tried again: at first, and at most. Each refusal doubles them.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0


class RequestSize:
    """A limit in bytes, which is halved when a request is refused for its size, and doubled after a pause.

    Args:
        largest: the first and the largest limit.
    """

    def __init__(self, largest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._largest, self._clock = largest, clock
        self._limit, self._pause = largest, FIRST_PAUSE
        # When the limit will be doubled; whether it was doubled since the last refusal.
        self._raise_at, self._raised = math.inf, False

    def limit(self) -> int:
        """Return the largest request to try now, in bytes."""
        if self._clock() >= self._raise_at:
            self._limit, self._raised = min(self._limit * 2, self._largest), True
            self._raise_at = math.inf if self._limit == self._largest else self._clock() + self._pause
        return self._limit

    def refused(self, size: int) -> None:
        """Lower the limit after a request of this size, with more than one item, was refused for its size."""
        if self._raised:
            self._pause, self._raised = min(self._pause * 2, LONGEST_PAUSE), False
        self._limit = max(1, min(self._limit, size // 2))
        self._raise_at = self._clock() + self._pause

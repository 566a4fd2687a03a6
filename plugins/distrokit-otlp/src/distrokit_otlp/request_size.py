"""The largest request that a receiver takes, as far as its answers have shown."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

#: Seconds after which a larger request is tried again: at first, and at most; each time that it is refused, twice as
#: many as the time before.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0


class RequestSize:
    """A limit in bytes. It is halved when a request is refused for its size, and doubled when some time has passed.

    Args:
        largest: the limit at first, and at most.
    """

    def __init__(self, largest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._largest, self._clock = largest, clock
        self._limit, self._pause = largest, FIRST_PAUSE
        # When the limit is doubled; whether it was, since the last refusal.
        self._raise_at, self._raised = math.inf, False

    def limit(self) -> int:
        """The largest request that is worth trying now."""
        if self._clock() >= self._raise_at:
            self._limit, self._raised = min(self._limit * 2, self._largest), True
            self._raise_at = math.inf if self._limit == self._largest else self._clock() + self._pause
        return self._limit

    def refused(self, size: int) -> None:
        """A request of this size, with more than one item in it, was refused for its size."""
        if self._raised:
            self._pause, self._raised = min(self._pause * 2, LONGEST_PAUSE), False
        self._limit = max(1, min(self._limit, size // 2))
        self._raise_at = self._clock() + self._pause

"""Keeps what arrived within a bound of bytes, and lets others wait for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from distrokit_dev.received import ReceivedLog, ReceivedPoint, ReceivedSpan, Request, logs, points, spans

#: Bytes that the objects around one kept request take.
_OVERHEAD = 128
#: Reasons for refusals that are remembered.
_REASONS = 5


class Store:
    """Requests in order of arrival; when they outgrow the bound, the oldest go.

    Args:
        max_bytes: of all kept requests together. They are kept encoded, since a parsed message takes
            many times that; each counts with what keeping it costs.

    Attributes:
        dropped: how many requests were let go, unread.
        refused: why requests were not taken, each reason once; the first few.
    """

    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self.dropped = 0
        self.refused: list[str] = []
        self._kept: deque[tuple[type[Request], bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def add(self, request: Request) -> None:
        """Keep a request."""
        encoded = request.SerializeToString()
        with self._changed:
            self._kept.append((type(request), encoded))
            self._bytes += len(encoded) + _OVERHEAD
            while self._bytes > self.max_bytes:
                self._bytes -= len(self._kept.popleft()[1]) + _OVERHEAD
                self.dropped += 1
            self._changed.notify_all()

    def refuse(self, why: str) -> None:
        """Note that a request was not taken."""
        with self._changed:
            if why not in self.refused and len(self.refused) < _REASONS:
                self.refused.append(why)

    def take(self, timeout_seconds: float) -> Request | None:
        """The oldest request, which is then no longer kept; waits for one, ``None`` when time is up."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._kept, timeout_seconds):
                return None
            kind, encoded = self._kept.popleft()
            self._bytes -= len(encoded) + _OVERHEAD
        return kind.FromString(encoded)

    def requests(self) -> list[Request]:
        """What is kept, oldest first."""
        with self._changed:
            kept = list(self._kept)
        return [kind.FromString(encoded) for kind, encoded in kept]

    def spans(self) -> list[ReceivedSpan]:
        """The spans in it."""
        return spans(self.requests())

    def logs(self) -> list[ReceivedLog]:
        """The log records in it."""
        return logs(self.requests())

    def points(self) -> list[ReceivedPoint]:
        """The metric points in it."""
        return points(self.requests())

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float) -> bool:
        """Wait until ``condition()`` holds, looking again at each arrival; false when time is up."""
        with self._changed:
            # Condition's lock is re-entrant, so the condition may read the store.
            return self._changed.wait_for(condition, timeout_seconds)

"""Stores received requests, up to a number of bytes, and lets threads wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from distrokit_dev.received import ReceivedLog, ReceivedPoint, ReceivedSpan, Request, logs, points, spans

#: Overhead in bytes of one stored request.
_OVERHEAD = 128
#: Maximum number of refusal reasons to keep.
_REASONS = 5


class TelemetryStore:
    """Requests in order of arrival; the oldest are dropped if there are too many bytes.

    Args:
        max_bytes: of all requests together, with overhead. Requests stay encoded, because a parsed message takes many
            times the space.

    Attributes:
        dropped: number of requests dropped unread.
        refused: the first few reasons why requests were refused, each once.
    """

    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self.dropped = 0
        self.refused: list[str] = []
        self._kept: deque[tuple[type[Request], bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def add(self, request: Request) -> None:
        """Store a request."""
        encoded = request.SerializeToString()
        with self._changed:
            self._kept.append((type(request), encoded))
            self._bytes += len(encoded) + _OVERHEAD
            while self._bytes > self.max_bytes:
                self._bytes -= len(self._kept.popleft()[1]) + _OVERHEAD
                self.dropped += 1
            self._changed.notify_all()

    def refuse(self, why: str) -> None:
        """Note why a request was refused."""
        with self._changed:
            if why not in self.refused and len(self.refused) < _REASONS:
                self.refused.append(why)

    def take(self, timeout_seconds: float) -> Request | None:
        """Remove and return the oldest request; wait for one; ``None`` on timeout."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._kept, timeout_seconds):
                return None
            kind, encoded = self._kept.popleft()
            self._bytes -= len(encoded) + _OVERHEAD
        return kind.FromString(encoded)

    def requests(self) -> list[Request]:
        """Return the stored requests, oldest first."""
        with self._changed:
            kept = list(self._kept)
        return [kind.FromString(encoded) for kind, encoded in kept]

    def spans(self) -> list[ReceivedSpan]:
        """Return the spans."""
        return spans(self.requests())

    def logs(self) -> list[ReceivedLog]:
        """Return the log records."""
        return logs(self.requests())

    def points(self) -> list[ReceivedPoint]:
        """Return the metric points."""
        return points(self.requests())

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float) -> bool:
        """Wait until ``condition()`` is true, testing it after each arrival; false on timeout."""
        with self._changed:
            # The lock is re-entrant, so the condition may read the store.
            return self._changed.wait_for(condition, timeout_seconds)

"""A pool of idle connections without a lock.

urllib3 uses a ``queue.LifoQueue``, and empties it when a pool is deleted, at the latest when the interpreter ends. In a
forked child, a thread of the parent may hold the queue's lock; such a child never ended.
"""

from __future__ import annotations

import queue
from collections import deque
from typing import Any


class IdleConnections:
    """The part of ``queue.LifoQueue`` that urllib3 uses; it never blocks.

    Args:
        maxsize: the largest number of connections.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._free: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add a connection. Raises ``queue.Full``."""
        if len(self._free) >= self._maxsize:
            raise queue.Full
        self._free.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the connection that was added last. Raises ``queue.Empty``."""
        try:
            return self._free.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        """Return the number of connections."""
        return len(self._free)

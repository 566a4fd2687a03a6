"""Connections that wait to be used again, without a lock.

urllib3 keeps them in a ``queue.LifoQueue``, and empties that when a pool goes, at the interpreter's end at the latest.
In the child of a fork its lock may be held by a thread of the parent's: then the child never ended.
"""

from __future__ import annotations

import queue
from collections import deque
from typing import Any


class IdleConnections:
    """As much of a ``queue.LifoQueue`` as urllib3 asks for; nobody waits in it.

    Args:
        maxsize: how many there are at most.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._free: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Raises ``queue.Full``."""
        if len(self._free) >= self._maxsize:
            raise queue.Full
        self._free.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The last one that was put. Raises ``queue.Empty``."""
        try:
            return self._free.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        """How many there are."""
        return len(self._free)

"""A request to flush a queue, and its result."""

from __future__ import annotations

import threading


class SpoolFlush:
    """One caller that waits until a queue is delivered."""

    def __init__(self) -> None:
        self._finished = threading.Event()
        self._delivered = False

    def finish(self, delivered: bool) -> None:
        """Wake the caller; ``delivered``: the queue is empty."""
        self._delivered = delivered
        self._finished.set()

    def wait(self, seconds: float) -> bool:
        """Return true if the queue was delivered within this time."""
        return self._finished.wait(seconds) and self._delivered

"""Somebody waits until all of a queue is sent."""

from __future__ import annotations

import threading


class Flush:
    """See the module."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._delivered = False

    def answer(self, delivered: bool) -> None:
        """Whether all was delivered."""
        self._delivered = delivered
        self._answered.set()

    def awaited(self, seconds: float) -> bool:
        """The answer; false when none came in this time."""
        return self._answered.wait(seconds) and self._delivered

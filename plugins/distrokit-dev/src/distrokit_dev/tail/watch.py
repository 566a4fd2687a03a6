"""The loop: from the receiver's store to the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from distrokit_dev.received import Item, items
from distrokit_dev.store import Store
from distrokit_dev.tail.interruption import Interruption
from distrokit_dev.tail.program import Program
from distrokit_dev.tail.totals import Totals

#: Seconds between two looks at what is due.
_TICK = 0.1

#: Seconds without anything new after which nothing more is awaited of a program that has ended; and at most.
_SETTLED, _SETTLING = 0.3, 2.0

#: Seconds a program has to end when it is told to; how often Ctrl-C tells it, and how often it takes no for an answer.
_GRACE = 10.0
_TELLS, _KILLS = 2, 3


class View(Protocol):
    """Shows what arrives. ``now`` is seconds of a monotonic clock."""

    def add(self, item: Item, now: float) -> None:
        """Take in one item."""

    def tick(self, now: float) -> None:
        """Show what is due."""

    def finish(self) -> None:
        """Show what is left."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Watch:
    """Hands on what arrives, and counts it."""

    def __init__(self, store: Store, view: View, totals: Totals) -> None:
        self._store, self._view, self._totals = store, view, totals
        self._next_tick = 0.0

    def until(self, ended: Callable[[], bool]) -> None:
        """Go on until ``ended()``, which is asked every tenth of a second."""
        while not ended():
            self._one(_TICK)

    def follow(self, program: Program, interruption: Interruption) -> int:
        """Go on until the program has ended, and what it sent has arrived.

        The first Ctrl-C is the program's business; the second, or a signal to this process, tells it to end, and
        the third ends it.

        Returns: the program's exit code.
        """
        deadline = None
        while (code := program.exit_code) is None:
            self._one(_TICK)
            if deadline is None and (interruption.terminated or interruption.interrupts >= _TELLS):
                program.terminate()
                deadline = time.monotonic() + _GRACE
            if interruption.interrupts >= _KILLS or (deadline is not None and time.monotonic() > deadline):
                program.kill()
        settled, moving = time.monotonic() + _SETTLING, True
        while moving and time.monotonic() < settled:
            moving = self._one(_SETTLED)
        return code

    def rest(self) -> None:
        """Hand on what has arrived, and finish; nothing may arrive any more."""
        left = True
        while left:
            left = self._one(0)
        self._view.finish()

    def _one(self, timeout: float) -> bool:
        request = self._store.take(timeout)
        now = time.monotonic()
        for item in items(request) if request is not None else ():
            self._totals.count(item)
            self._view.add(item, now)
        if now >= self._next_tick:
            self._view.tick(now)
            self._next_tick = now + _TICK
        return request is not None

"""The main loop: passes items from the receiver's store to the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from distrokit_dev.received import Item, items
from distrokit_dev.store import TelemetryStore
from distrokit_dev.tail.interruption import Interruption
from distrokit_dev.tail.program import Program
from distrokit_dev.tail.totals import Totals

#: Seconds between two ticks of the view.
_TICK = 0.1

#: After a program ended: seconds without new items before the loop stops, and maximum seconds to wait.
_SETTLED, _SETTLING = 0.3, 2.0

#: Seconds between SIGTERM and SIGKILL; number of Ctrl-C for each of them.
_GRACE = 10.0
_TERMINATE_AT, _KILL_AT = 2, 3


class View(Protocol):
    """Shows items. ``now`` is seconds of a monotonic clock."""

    def add(self, item: Item, now: float) -> None:
        """Add an item."""

    def tick(self, now: float) -> None:
        """Show complete items."""

    def finish(self) -> None:
        """Show the remaining items."""

    def close(self) -> None:
        """Restore the terminal."""


class Watch:
    """Counts items, and passes them to the view."""

    def __init__(self, store: TelemetryStore, view: View, totals: Totals) -> None:
        self._store, self._view, self._totals = store, view, totals
        self._next_tick = 0.0

    def until(self, ended: Callable[[], bool]) -> None:
        """Run until ``ended()`` is true, tested every tenth of a second."""
        while not ended():
            self._one(_TICK)

    def follow(self, program: Program, interruption: Interruption) -> int:
        """Run until the program has ended and its telemetry has arrived.

        The first Ctrl-C is left to the program; the second one, or a signal to this process, terminates it; the third
        one kills it.

        Returns: the program's exit code.
        """
        deadline = None
        while (code := program.exit_code) is None:
            self._one(_TICK)
            if deadline is None and (interruption.terminated or interruption.interrupts >= _TERMINATE_AT):
                program.terminate()
                deadline = time.monotonic() + _GRACE
            if interruption.interrupts >= _KILL_AT or (deadline is not None and time.monotonic() > deadline):
                program.kill()
        settled, moving = time.monotonic() + _SETTLING, True
        while moving and time.monotonic() < settled:
            moving = self._one(_SETTLED)
        return code

    def rest(self) -> None:
        """Process the remaining requests, and finish the view; the receiver must be closed."""
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

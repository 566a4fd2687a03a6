"""Whether telemetry is in use in this process: what costs a thread begins with that, and not with the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class LazyStart:
    """Called with the first measurement, with every callback of an observable instrument, and before every export.

    The first time, readers begin; a reader may have a method ``arm()`` for that, see ``distrokit-batch``. A meter, or a
    synchronous instrument, that nobody has used yet is no reason to.

    Args:
        failed: told which reader could not begin, and what it raised.

    Attributes:
        readers: those there are.
        also: called each time, and with every meter that is asked for.
    """

    def __init__(self, failed: Callable[[object, Exception], None]) -> None:
        self._failed = failed
        self.readers: list[Any] = []
        self.also: Callable[[], None] | None = None
        self._told = False

    def __call__(self) -> None:
        self.look()
        if self._told:
            return
        self._told = True
        for reader in self.readers:
            start_collecting = getattr(reader, "start_collecting", None)
            if callable(start_collecting):
                try:
                    start_collecting()
                except Exception as error:
                    self._failed(reader, error)

    def look(self) -> None:
        """A meter is asked for."""
        if self.also is not None:
            self.also()

    def forked(self) -> None:
        """In a child, it begins anew."""
        self._told = False

"""Whether telemetry is in use in this process: what costs a thread begins with that, and not with the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class InUse:
    """Called with every meter that is asked for, and before every export; the first time, readers begin.

    A reader may have a method ``arm()`` for that; see ``distrokit-batch``.

    Attributes:
        readers: those there are.
        also: called each time.
    """

    def __init__(self) -> None:
        self.readers: list[Any] = []
        self.also: Callable[[], None] | None = None
        self._told = False

    def __call__(self) -> None:
        if self.also is not None:
            self.also()
        if self._told:
            return
        self._told = True
        for reader in self.readers:
            arm = getattr(reader, "arm", None)
            if callable(arm):
                arm()

    def forked(self) -> None:
        """In a child, it begins anew."""
        self._told = False

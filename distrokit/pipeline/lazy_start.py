"""Start of the readers' threads when telemetry is first used in a process, not when the pipeline starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class LazyStart:
    """A callable for the first measurement, every callback of an observable instrument, and every export.

    The first call starts the readers that have a method ``start_collecting()`` (see ``distrokit-batch``).
    A meter or a synchronous instrument without a measurement does not start them.

    Args:
        failed: receives a reader that could not start, and what it raised.
        on_use: called each time, and with every meter that the application gets; ``None`` for nothing.
        on_first_use: called once in each process, before the readers start; ``None`` for nothing.

    Attributes:
        readers: the readers to start.
    """

    def __init__(
        self,
        failed: Callable[[object, Exception], None],
        on_use: Callable[[], None] | None = None,
        on_first_use: Callable[[], None] | None = None,
    ) -> None:
        self._failed, self._on_use, self._on_first_use = failed, on_use, on_first_use
        self.readers: list[Any] = []
        self._started = False

    def __call__(self) -> None:
        self.look()
        if self._started:
            return
        self._started = True
        if self._on_first_use is not None:
            self._on_first_use()
        for reader in self.readers:
            start_collecting = getattr(reader, "start_collecting", None)
            if callable(start_collecting):
                try:
                    start_collecting()
                except Exception as error:
                    self._failed(reader, error)

    def look(self) -> None:
        """Call ``on_use``, without starting the readers."""
        if self._on_use is not None:
            self._on_use()

    def forked(self) -> None:
        """Start the readers again in a forked child, when it first uses telemetry."""
        self._started = False

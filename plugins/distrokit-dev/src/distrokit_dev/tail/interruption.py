"""Handles Ctrl-C, ``kill`` and a closed terminal."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

#: Windows has no SIGHUP.
_TERMINATIONS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption:
    """A context manager for the main thread that records signals, instead of ending the process.

    Attributes:
        interrupts: number of times that Ctrl-C was pressed.
        terminated: true after SIGTERM or SIGHUP.
    """

    def __init__(self) -> None:
        self.interrupts = 0
        self.terminated = False
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self.terminated or bool(self.interrupts)

    def __enter__(self) -> Self:
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)
        for number in _TERMINATIONS:
            # nohup ignores SIGHUP; keep that.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupts += 1

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True

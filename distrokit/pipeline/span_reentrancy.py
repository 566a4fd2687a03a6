"""Keeps a thread that changes a span from deadlocking on that span.

The SDK guards each span with a plain lock. A signal handler or finalizer deadlocks if it changes the span that its
thread was changing. Such calls are queued until the thread has finished its own change.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from time import time_ns
from types import CodeType
from typing import Any

#: Methods that take the lock, each with the name and position of its time argument, which defaults to now.
CHANGING: dict[str, tuple[str, int] | None] = {
    "set_attribute": None,
    "set_attributes": None,
    "add_event": ("timestamp", 2),
    "add_link": None,
    "set_status": None,
    "update_name": None,
    "end": ("end_time", 0),
}
#: The module whose methods hold the lock.
_SDK = "opentelemetry.sdk.trace"


class SpanReentrancy:
    """The marks and queued calls of one pipeline's spans.

    Attributes:
        busy: threads, with the ids of the spans that each may have locked.
        changing: the functions that set this mark.
        pending: calls to make when a span is free again.
    """

    def __init__(self) -> None:
        self.busy: set[tuple[int, int]] = set()
        self.changing: set[CodeType] = set()
        self.pending: deque[Callable[[], object]] = deque()

    def is_interrupted(self, span: object) -> bool:
        """True if the caller was called from inside the SDK's own method of this span.

        A patch of a method that calls other methods is not inside.
        """
        # Skip the caller, which sets the mark.
        frame, in_sdk = sys._getframe(2), False  # noqa: SLF001  (the cheap way to the stack of the own thread)
        while frame is not None:
            if frame.f_code in self.changing and frame.f_locals.get("span") is span:
                if in_sdk:
                    return True
            elif frame.f_globals.get("__name__") == _SDK:
                in_sdk = True
            frame = frame.f_back  # type: ignore[assignment]  # the loop ends at None
        return False

    def postpone(self, name: str, method: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Queue a call until the span is free, with the present time; its first argument is the span."""
        timed = CHANGING[name]
        if timed is not None and len(args) <= timed[1] + 1:
            kwargs = {timed[0]: time_ns(), **kwargs}
        self.pending.append(partial(method, *args, **kwargs))

    def replay(self) -> None:
        """Make the queued calls."""
        # Calls queued meanwhile are replayed by the call that they interrupt.
        for _ in range(len(self.pending)):
            try:
                call = self.pending.popleft()
            except IndexError:
                return
            call()

"""Keeps a thread that is in the middle of changing a span from waiting for that span.

The SDK guards each span with a plain lock. A signal handler or a finalizer that changes the span which its thread is
just changing would wait for ever. What it asks for is done as soon as the thread is through.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from time import time_ns
from types import CodeType
from typing import Any

#: Methods that take the lock, and the time that they take when they are given none: its name and its place.
CHANGING: dict[str, tuple[str, int] | None] = {
    "set_attribute": None,
    "set_attributes": None,
    "add_event": ("timestamp", 2),
    "add_link": None,
    "set_status": None,
    "update_name": None,
    "end": ("end_time", 0),
}
#: Where the lock is held.
_SDK = "opentelemetry.sdk.trace"


class SpanReentrancy:
    """Of one pipeline's spans.

    Attributes:
        busy: ids of the spans that may be locked.
        changing: the functions that set this mark.
        pending: what is done when a span is free again.
    """

    def __init__(self) -> None:
        self.busy: set[int] = set()
        self.changing: set[CodeType] = set()
        self.pending: deque[Callable[[], object]] = deque()

    def is_interrupted(self, span: object) -> bool:
        """Whether the caller was called from inside the SDK's own method of this span.

        Code that patches a method, and calls others from there, is not inside.
        """
        # Not the caller itself, which sets the mark.
        frame, in_sdk = sys._getframe(2), False  # noqa: SLF001  (the cheap way to the stack of the own thread)
        while frame is not None:
            if frame.f_code in self.changing and frame.f_locals.get("span") is span:
                if in_sdk:
                    return True
            elif frame.f_globals.get("__name__") == _SDK:
                in_sdk = True
            frame = frame.f_back  # type: ignore[assignment]
        return False

    def postpone(self, name: str, method: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call the method when the span is free, with the time of this moment. Its first argument is the span."""
        timed = CHANGING[name]
        if timed is not None and len(args) <= timed[1] + 1:
            kwargs = {timed[0]: time_ns(), **kwargs}
        self.pending.append(partial(method, *args, **kwargs))

    def replay(self) -> None:
        """Do what was postponed."""
        # What is postponed meanwhile is done by the call that it interrupts.
        for _ in range(len(self.pending)):
            try:
                call = self.pending.popleft()
            except IndexError:
                return
            call()

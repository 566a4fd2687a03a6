"""The end of the process: one place, one deadline, whatever the parts of the pipeline do."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from distrokit.pipeline.bounded import Bounded, Call

#: Told that something raised, or did not end: its name, what it raised, what follows from it.
Failed = Callable[[str, BaseException, str], None]


class Shutdown:
    """Stops a pipeline once, and lets whoever else asks wait until it has stopped.

    Args:
        seconds: for all of it.
        failed: told what went wrong.
    """

    def __init__(self, seconds: float, failed: Failed) -> None:
        self._seconds, self._failed = seconds, failed
        self.bounded = Bounded()
        self.forked()

    def forked(self) -> None:
        """In a child: if the parent was ending, the child is not."""
        if getattr(self, "over", False):
            return
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._thread: int | None = None
        self.begun = self.over = False

    @property
    def here(self) -> bool:
        """Whether this thread is in the middle of it."""
        return self._thread == threading.get_ident()

    def run(self, hooks: Sequence[tuple[str, Callable[[], object]]], parts: Callable[[], Sequence[Any]],
            providers: Sequence[Any], after: Callable[[], None]) -> None:  # fmt: skip
        """Call the hooks, shut every part down, tell what was lost; later calls wait for the first one.

        Args:
            hooks: name and call, in order; they have half of the time.
            parts: what has ``begin_shutdown`` or ``finish`` among them is called.
            providers: shut down side by side.
            after: called at the end, by the first call only.
        """
        if not self._claim.acquire(blocking=False):
            if not self.here:
                self._done.wait(self._seconds)
            return
        self._thread, self.begun = threading.get_ident(), True
        try:
            deadline = time.monotonic() + self._seconds
            self._call(hooks, time.monotonic() + self._seconds / 2)
            self._shut_down(parts(), providers, deadline)
            after()
        finally:
            self._thread, self.over = None, True
            self._done.set()

    def _call(self, hooks: Sequence[tuple[str, Callable[[], object]]], deadline: float) -> None:
        for name, hook in hooks:
            running = self.bounded.begin(hook)
            if not running.ended(deadline):
                self._failed(name, TimeoutError("it did not return in time"), "it is left behind, and the rest goes on")
                return
            if running.error is not None:
                self._failed(name, running.error, "the pipeline is shut down")

    def _shut_down(self, parts: Sequence[Any], providers: Sequence[Any], deadline: float) -> None:
        # All are told first: each works at its end while another one is waited for.
        self._each(parts, "begin_shutdown", deadline)
        begun, left = time.monotonic(), deadline - time.monotonic()
        running: list[tuple[Any, Call]] = [(p, self.bounded.begin(p.shutdown)) for p in providers]
        calls = [call for _, call in running]
        closing: list[Call] = []
        if not _ended(calls, begun + left * _HANGS):
            closing += self._close(parts, begun + left * (1 - _HANGS))
            _ended(calls, deadline)
        closing += self._close(parts, math.inf)
        for provider, call in running:
            # Ours are the SDK's, with a little more.
            name = f"shutdown of {type(provider).__name__.removeprefix('Scoped')}"
            # A little longer than its parts have, which say more exactly what they could not do.
            if not call.ended(deadline + _MARGIN):
                late = TimeoutError(f"it did not end within {self._seconds:g} s (DISTROKIT_EXIT_TIMEOUT)")
                self._failed(name, late, "its last items may be lost, the process ends")
            elif call.error is not None:
                self._failed(name, call.error, "its last items may be lost, the other signals are shut down")
        _ended(closing, deadline + _MARGIN)
        for call in closing:
            if call.error is not None:
                self._failed("shutdown of an exporter", call.error, "its last items may be lost, the process ends")
        self._each(parts, "finish")

    def _close(self, parts: Sequence[Any], since: float) -> list[Call]:
        """Shut down exporters that their processors have not shut down: an export may wait for just that.

        Args:
            since: those whose export has lasted since then (monotonic seconds); infinity: all that are not shut down.
        """
        overdue = [part for part in parts if hasattr(part, "is_overdue") and part.is_overdue(since)]
        calls = (self.bounded.apart(part.shut_down_once) for part in overdue)
        return [call for call in calls if call is not None]

    def _each(self, parts: Sequence[Any], method: str, *arguments: object) -> None:
        for part in parts:
            call = getattr(part, method, None)
            if callable(call):
                try:
                    call(*arguments)
                except Exception as error:
                    self._failed(f"{method} of {type(part).__name__}", error, "the other parts are told")


def _ended(calls: Sequence[Call], deadline: float) -> bool:
    """Wait for all; returns true if they have ended by then (monotonic seconds)."""
    return all(call.ended(deadline) for call in calls)


#: Seconds.
_MARGIN = 0.25
#: Of the time for the providers, after which an export that has lasted most of it is taken for one that hangs.
_HANGS = 0.75

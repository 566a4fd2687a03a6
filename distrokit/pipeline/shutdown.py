"""Shutdown of the pipeline: once, with one deadline for all parts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from distrokit.pipeline.bounded import Bounded, Call

#: Reports a call that raised or did not return: its name, the exception, the outcome.
ReportFailure = Callable[[str, BaseException, str], None]


class Shutdown:
    """The shutdown of one pipeline: runs once; later callers wait for it.

    Args:
        seconds: the timeout for the whole shutdown.
        failed: receives each failure.
    """

    def __init__(self, seconds: float, failed: ReportFailure) -> None:
        self._seconds, self._failed = seconds, failed
        self.forked()

    def forked(self) -> None:
        """Reset in a forked child: a shutdown under way in the parent is not the child's."""
        if getattr(self, "over", False):
            return
        # The parent's waiting threads do not exist in a child.
        self.bounded = Bounded()
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._thread: int | None = None
        self.begun = self.over = False

    @property
    def runs_here(self) -> bool:
        """True while this thread runs the shutdown."""
        return self._thread == threading.get_ident()

    def run(self, hooks: Sequence[tuple[str, Callable[[], object]]], parts: Sequence[Any],
            providers: Sequence[Any], after: Callable[[], None]) -> None:  # fmt: skip
        """Call the hooks, shut down every part, report losses. Later calls wait for the first one.

        Args:
            hooks: names and calls, in order; together they have half of the time.
            parts: read after the hooks; their ``begin_shutdown`` and ``finish`` are called if they have them.
            providers: are shut down in parallel.
            after: called at the end, by the first call only.
        """
        if not self._claim.acquire(blocking=False):
            if not self.runs_here:
                self._done.wait(self._seconds)
            return
        self._thread, self.begun = threading.get_ident(), True
        try:
            deadline = time.monotonic() + self._seconds
            self._call_hooks(hooks, time.monotonic() + self._seconds / 2)
            self._shut_down(parts, providers, deadline)
            after()
        finally:
            self.bounded.release()
            self._thread, self.over = None, True
            self._done.set()

    def _call_hooks(self, hooks: Sequence[tuple[str, Callable[[], object]]], deadline: float) -> None:
        for name, hook in hooks:
            running = self.bounded.begin(hook)
            if not running.ended(deadline):
                self._failed(name, TimeoutError("it did not return in time"), "the shutdown continues without it")
                return
            if running.error is not None:
                self._failed(name, running.error, "the shutdown continues")

    def _shut_down(self, parts: Sequence[Any], providers: Sequence[Any], deadline: float) -> None:
        # Before any wait, so that all parts finish in parallel.
        self._call_each(parts, "begin_shutdown", deadline)
        begun, left = time.monotonic(), deadline - time.monotonic()
        running: list[tuple[Any, Call]] = [(p, self.bounded.begin(p.shutdown)) for p in providers]
        calls = [call for _, call in running]
        closing: list[Call] = []
        if not _wait_for_all(calls, begun + left * _HANGS):
            closing += self._close_exporters(parts, begun + left * (1 - _HANGS))
            _wait_for_all(calls, deadline)
        closing += self._close_exporters(parts, math.inf)
        for provider, call in running:
            # The class of distrokit's providers adds this prefix to the SDK's name.
            name = f"shutdown of {type(provider).__name__.removeprefix('Scoped')}"
            # The margin lets the parts time out first: their messages are more precise.
            if not call.ended(deadline + _MARGIN):
                late = TimeoutError(f"it did not finish within {self._seconds:g} s (DISTROKIT_EXIT_TIMEOUT)")
                self._failed(name, late, "its last items may be lost; the process ends")
            elif call.error is not None:
                self._failed(name, call.error, "its last items may be lost; the other signals are shut down")
        _wait_for_all(closing, deadline + _MARGIN)
        for call in closing:
            if call.error is not None:
                self._failed("shutdown of an exporter", call.error, "its last items may be lost; the process ends")
        self._call_each(parts, "finish")

    def _close_exporters(self, parts: Sequence[Any], since: float) -> list[Call]:
        """Shut down exporters that their processors have not shut down: an export may last until then.

        Args:
            since: selects exporters whose export began before this time (monotonic seconds); infinity selects every
                exporter that is not shut down.
        """
        overdue = [part for part in parts if hasattr(part, "is_overdue") and part.is_overdue(since)]
        calls = []
        for part in overdue:
            call = self.bounded.begin_in_thread(part.shut_down_once)
            if call is None and not part.is_exporting:
                # No thread can be started; the call can hang only if an export does.
                call = self.bounded.begin(part.shut_down_once)
            calls += [call] if call is not None else []
        return calls

    def _call_each(self, parts: Sequence[Any], method: str, *arguments: object) -> None:
        for part in parts:
            call = getattr(part, method, None)
            if callable(call):
                try:
                    call(*arguments)
                except Exception as error:
                    self._failed(f"{method} of {type(part).__name__}", error, "the other parts are still called")


def _wait_for_all(calls: Sequence[Call], deadline: float) -> bool:
    """Wait for all calls; return false if one has not ended by the deadline (monotonic seconds)."""
    return all(call.ended(deadline) for call in calls)


#: Seconds that a provider's shutdown has beyond the deadline of its parts.
_MARGIN = 0.25
#: Share of the providers' time after which an export that has lasted that long is considered hung.
_HANGS = 0.75

"""SIGTERM and SIGHUP, where nobody handles them: what was recorded is sent before the process ends by them.

The default action of these signals ends a process without another line of Python: every pod that is stopped, every
uvicorn, which raises the signal again when it has finished (opentelemetry-python#4813, #4688), lost what was queued.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")
#: The kernel does not end the first process of a container by a signal that it does not handle.
_INIT = 1


class Signals:
    """Handlers for those signals that have the default action when the pipeline has started.

    A handler runs in the main thread in the middle of whatever it does, with any lock held. So it takes none: another
    thread does the work, and the main thread waits for that one, for a limited time.

    Args:
        stop: flushes and shuts down; returns by its own deadline.
        flush: flushes; likewise.
        stopping: whether the main thread is in the middle of that already.
        seconds: how long to wait for either.
    """

    def __init__(
        self, stop: Callable[[], object], flush: Callable[[], object], stopping: Callable[[], bool], seconds: float
    ) -> None:
        self._stop, self._flush, self._stopping, self._seconds = stop, flush, stopping, seconds
        self._handling = False
        self._pending: int | None = None

    def install(self) -> None:
        """Handle what nobody else does. Without effect outside the main thread, where Python does not allow it."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._handle)

    def remove(self) -> None:
        """Give back what is still ours: the pipeline was stopped, and there is nothing left to send."""
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                # Bound methods are equal, and never the same.
                if number is not None and signal.getsignal(number) == self._handle:
                    signal.signal(number, signal.SIG_DFL)

    def forked(self) -> None:
        """In a child: the parent's signal is not this one's."""
        self._handling, self._pending = False, None

    def end(self) -> None:
        """After the pipeline has stopped: a signal that came meanwhile takes effect."""
        if self._pending is not None:
            _die_by(self._pending)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._handling:
            # A second one: the first one's flush goes on, and is bounded.
            return
        if self._stopping():
            self._pending = number
            return
        self._handling = True
        first = os.getpid() == _INIT
        try:
            self._in_a_thread(self._flush if first else self._stop)
        finally:
            # Whatever else interrupts the waiting, Ctrl-C for one: the signal takes effect.
            if first:
                self._handling = False
            else:
                _die_by(number)

    def _in_a_thread(self, work: Callable[[], object]) -> None:
        # The plainest there are: threading's own take locks that the main thread may hold at this moment.
        done = _thread.allocate_lock()
        done.acquire()

        def run() -> None:
            try:
                work()
            finally:
                done.release()

        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:
            # The interpreter is at its end; the flush that belongs to that is over, or comes.
            return
        done.acquire(timeout=self._seconds)


def _die_by(number: int) -> None:
    """As if there had never been a handler: the parent sees the signal as the cause."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)

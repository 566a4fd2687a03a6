"""SIGTERM and SIGHUP, where nobody handles them: what was recorded is sent before the process ends by them.

The default action of these signals ends a process without another line of Python: every pod that is stopped, every
uvicorn, which raises the signal again when it has finished (opentelemetry-python#4813, #4688), lost what was queued.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from types import FrameType
from typing import Any

from distrokit.pipeline.unseen import Unseen

_NAMES = ("SIGTERM", "SIGHUP")
#: The kernel does not end the first process of a container by a signal that it does not handle.
_INIT = 1
#: Seconds for which the main thread waits in the handler.
_WAIT = 0.5


class Signals:
    """Handlers for those signals that have the default action when the pipeline has started.

    A handler runs in the main thread in the middle of whatever it does, with any lock held. So it takes none, and does
    not wait long: another thread does the work, and may need a lock that the main thread gives back only when it goes
    on. When the work is done, that thread sends the signal once more, and the handler lets it take effect.

    Args:
        stop: flushes and shuts down; returns by its own deadline.
        flush: flushes; likewise.
        stopping: whether the main thread is in the middle of that already.
    """

    def __init__(self, stop: Callable[[], object], flush: Callable[[], object], stopping: Callable[[], bool]) -> None:
        self._stop, self._flush, self._stopping = stop, flush, stopping
        self._numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        # Bound methods are equal, and never the same.
        self._handler = self._handle
        self._unseen = Unseen(self._numbers, self._handler)
        self.forked()

    def install(self) -> None:
        """Handle what nobody else does. Without effect outside the main thread, where Python does not allow it."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._unseen.install()
        for number in self._numbers:
            if self._unseen.get(number) is signal.SIG_DFL:
                self._unseen.set(number, self._handler)

    def remove(self) -> None:
        """Give back what is still ours: the pipeline was stopped, and there is nothing left to send."""
        if threading.current_thread() is threading.main_thread():
            for number in self._numbers:
                if self._unseen.get(number) is self._handler:
                    self._unseen.set(number, signal.SIG_DFL)
        self._unseen.remove()

    def forked(self) -> None:
        """In a child: the parent's signal is not this one's."""
        self._pending: int | None = None
        self._done = False

    def end(self) -> None:
        """After the pipeline has stopped, in the main thread: a signal that came meanwhile takes effect."""
        if self._pending is not None and threading.current_thread() is threading.main_thread():
            self._die_by(self._pending)

    def _die_by(self, number: int) -> None:
        """As if there had never been a handler: the parent sees the signal as the cause."""
        self._unseen.set(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._unseen.get(number) is not self._handler:
            # Another handler has called this one, which it found before; what becomes of the process is its business.
            self._begin(self._flush, end=False)
            return
        first = self._pending is None
        if self._done and not first:
            if os.getpid() == _INIT:
                # It would not end; the next signal is a new one.
                self.forked()
            else:
                self._die_by(self._pending or number)
        elif first:
            self._pending = number
            if not self._stopping():
                self._begin(self._flush if os.getpid() == _INIT else self._stop)
        # Another one while the first one's flush goes on: that is bounded.

    def _begin(self, work: Callable[[], object], *, end: bool = True) -> None:
        waiting = allocate_lock()
        waiting.acquire()

        def run() -> None:
            block_signals()
            try:
                work()
            finally:
                self._done = self._done or end
                waiting.release()
                if end:
                    # Only the main thread may take the handler away.
                    os.kill(os.getpid(), self._pending or signal.SIGTERM)

        hub = _hub()
        if hub is not None:
            # Threads are greenlets here, and this is the hub, which must not wait.
            hub.loop.run_callback_threadsafe(sys.modules["gevent"].spawn, run)
            return
        try:
            start_new_thread(run, ())
        except RuntimeError:
            # The interpreter is at its end. The flush that belongs to that comes, and then the signal takes effect.
            return
        waiting.acquire(timeout=_WAIT)


def block_signals() -> None:
    """In a thread of distrokit's: leave the application's signals to the application's threads.

    Where gevent has taken the place of threads, this is the main one, and nothing is done.
    """
    if hasattr(signal, "pthread_sigmask") and not _greenlets():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _greenlets() -> bool:
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )


def _hub() -> Any:
    """Where gevent has taken the place of threads: what runs its greenlets; else ``None``."""
    gevent: Any = sys.modules.get("gevent")
    return gevent.get_hub() if gevent is not None and _greenlets() else None

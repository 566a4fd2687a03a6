"""Handlers for SIGTERM and SIGHUP that flush the pipeline, where the application has none.

The default action of these signals ends a process without running any more Python. So every stopped pod lost what was
queued, and so did every uvicorn, which raises the signal again when it has finished (opentelemetry-python#4813, #4688).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from _thread import allocate_lock, start_new_thread

from distrokit.pipeline.hidden_handler import HiddenHandler
from distrokit.threads import block_signals, uses_greenlets

# Not imported from typing: a process that waits for the first use of telemetry imports this module, too.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

_NAMES = ("SIGTERM", "SIGHUP")
#: The kernel does not end the first process of a container by a signal that it does not handle.
_INIT = 1
#: Seconds for which the main thread waits in the handler.
_WAIT = 0.5


class OSSignals:
    """Handlers for the signals that still have the default action when the pipeline has started.

    A handler interrupts the main thread, which may hold any lock. So the handler takes no lock and does not wait long:
    another thread does the work, and may need a lock that the main thread releases only after the handler returns. When
    the work is done, that thread sends the signal again, and the handler lets it take effect.

    A process that waits for the first use of telemetry has them, too: that may be in another thread, where Python
    lets no handler be set.
    """

    _stop: Callable[[], object] = staticmethod(lambda: None)
    _flush: Callable[[], object] = staticmethod(lambda: None)
    _stopping: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self) -> None:
        self._numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        # Stored, since each access makes a new bound method, and handlers are compared by identity.
        self._handler = self._handle
        self._hidden = HiddenHandler(self._numbers, self._handler)
        self.forked()

    def connect(
        self, stop: Callable[[], object], flush: Callable[[], object], stopping: Callable[[], bool]
    ) -> OSSignals:
        """Call these functions from now on; return self.

        Args:
            stop: flushes and shuts down; returns by its own deadline.
            flush: flushes; returns by its own deadline.
            stopping: returns true while the main thread runs the shutdown.
        """
        self._stop, self._flush, self._stopping = stop, flush, stopping
        return self

    def install(self) -> None:
        """Handle the signals that have no handler; no effect outside the main thread, where Python forbids it."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._hidden.install()
        # ValueError: threading takes the first thread that imports it for the main thread, which may be wrong.
        with contextlib.suppress(ValueError):
            for number in self._numbers:
                if self._hidden.get(number) is signal.SIG_DFL:
                    self._hidden.set(number, self._handler)

    def remove(self) -> None:
        """Restore the default action where the handler is still distrokit's; called when the pipeline was stopped."""
        if threading.current_thread() is threading.main_thread():
            for number in self._numbers:
                if self._hidden.get(number) is self._handler:
                    self._hidden.set(number, signal.SIG_DFL)
        self._hidden.remove()

    def forked(self) -> None:
        """Reset in a forked child: a signal that the parent received is not the child's."""
        self._pending: int | None = None
        self._done = False

    def end(self) -> None:
        """Let a signal that arrived during the shutdown take effect; main thread only."""
        if self._pending is not None and threading.current_thread() is threading.main_thread():
            self._die_by(self._pending)

    def _die_by(self, number: int) -> None:
        """End by the default action, so that the parent process sees the signal as the cause."""
        self._hidden.set(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._hidden.get(number) is not self._handler:
            # The application's handler called this one. It decides whether the process ends.
            self._run_in_thread(self._flush, end=False)
            return
        first = self._pending is None
        if self._done and not first:
            if os.getpid() == _INIT:
                # The kernel would not end it; the next signal starts another flush.
                self.forked()
            else:
                self._die_by(self._pending or number)
        elif first:
            self._pending = number
            if not self._stopping():
                self._run_in_thread(self._flush if os.getpid() == _INIT else self._stop)
        # A second signal during the flush is ignored: the flush has a deadline.

    def _run_in_thread(self, work: Callable[[], object], *, end: bool = True) -> None:
        done = allocate_lock()
        done.acquire()

        def run() -> None:
            try:
                work()
            finally:
                self._done = self._done or end
                done.release()
                if end:
                    # Only the main thread may remove the handler.
                    os.kill(os.getpid(), self._pending or signal.SIGTERM)

        hub = _gevent_hub()
        if hub is not None:
            # Threads are greenlets, and this is the hub's greenlet, which must not wait.
            hub.loop.run_callback_threadsafe(sys.modules["gevent"].spawn, run)
            return
        try:
            with block_signals():
                start_new_thread(run, ())
        except RuntimeError:
            # The interpreter is exiting: its own flush follows, and then the signal takes effect.
            return
        done.acquire(timeout=_WAIT)


def _gevent_hub() -> Any:
    """Return gevent's hub, which runs greenlets, if gevent has replaced threads; otherwise ``None``."""
    gevent: Any = sys.modules.get("gevent")
    return gevent.get_hub() if gevent is not None and uses_greenlets() else None

"""The state of a process that starts telemetry when it is used, and applies instrumentations when they are needed."""

from __future__ import annotations

import atexit
import os
import sys
from _thread import RLock, get_ident

from distrokit.lazy.first_use import FirstUse
from distrokit.lazy.import_hook import ImportHook, current_thread_or_greenlet
from distrokit.lazy.monkey_patching import postpone_while_patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    from distrokit.lazy.eager_reasons import WatchedInstrumentation
    from distrokit.lazy.entry_point_files import InstalledFiles
    from distrokit.pipeline.os_signals import OSSignals

    class Exits(Protocol):
        """The functions of :mod:`atexit` that are used."""

        def register(self, call: Callable[..., object], /) -> object: ...
        def unregister(self, call: Callable[..., object], /) -> None: ...


#: Seconds that a thread waits while another one starts telemetry. That one may wait for a module which this thread is
#: importing, so the wait ends; what is recorded meanwhile is lost.
_WAIT = 10.0
#: The same for a thread that has just imported a library, and is about to use it.
_WAIT_IN_IMPORT = 2.0


class OnDemand:
    """Starts telemetry once, when it is first used; then applies instrumentations, one thread at a time.

    Args:
        start: starts telemetry; ``None`` if that has happened. An exception is passed to ``failed``.
        failed: receives what ``start`` raised.

    Attributes:
        hook: sees the imports of this process.
        environ: the environment at the start of the process, which the application may change before the first use.
        directory: the working directory at that time; empty if there was none.
        installed: the entry points that were read at that time; ``None`` if they were not.
        apply: called with the triggers that have fired; ``None`` until telemetry has started.
        exits: registers what is called at the end of the process.
        signals: the handlers for SIGTERM and SIGHUP; ``None`` in a process without threads.
        forked: true in a child that was forked before telemetry started.
    """

    def __init__(
        self,
        start: Callable[[OnDemand], None] | None = None,
        failed: Callable[[BaseException], None] = lambda error: None,
        *,
        installed: InstalledFiles | None = None,
    ) -> None:
        self.hook = ImportHook(self._fired, self)
        self.environ: Mapping[str, str] = dict(os.environ)
        try:
            self.directory = os.getcwd()  # noqa: PTH109  (pathlib is not imported yet)
        except OSError:
            self.directory = ""
        self.installed = installed
        self.apply: Callable[[list[str]], None] | None = None
        self.exits: Exits = atexit
        self.signals: OSSignals | None = None
        self.forked = False
        self._start, self._failed = start, failed
        self._first_use: FirstUse | None = None
        self._queue: list[str] = []
        self._lock = RLock()
        self._busy = False
        #: The function that starts telemetry, once it was called, and the thread or greenlet that called it.
        self._started: tuple[Callable[[OnDemand], None], int] | None = None
        #: By thread that forks: whether it holds the lock.
        self._forking: dict[int, bool] = {}
        self._watches_forks = False

    @property
    def asleep(self) -> bool:
        """True until the start of telemetry begins."""
        return self._first_use is not None and self._start is not None

    def sleep(self, instrumentations: Iterable[WatchedInstrumentation]) -> None:
        """Wait for the first use of telemetry."""
        first_use = self._first_use = FirstUse(self.hook, self.wake)
        self.exits = _LastAtExit()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked_in_child)
        for item in instrumentations:
            first_use.watch_for(item.name)
            # The import of urllib.request alone means nothing: other libraries import it, too.
            for module in (item.module, *(item.triggers or () if item.name != "urllib" else ())):
                self.hook.watch(module)
        first_use.watch_api()
        self.hook.after_import("threading", self._handle_signals)
        postpone_while_patching(self.hook)
        # It raises on a name that is not installed; the plan leaves out that one only.
        self.hook.around_import("opentelemetry.propagate", _remove_propagators)

    def wake(self) -> None:
        """Start telemetry, if it has not been; return when it has.

        While something that it needs is half-imported, it starts at the end of that import.
        """
        if self._first_use is None:
            return
        if self.hook.is_blocked:
            self.hook.fire("")
            return
        if not self._lock.acquire(timeout=_WAIT):
            return
        try:
            start, self._start = self._start, None
            if start is not None:
                self._begin(start)
        finally:
            self._lock.release()
        if start is not None:
            # The start itself has imported libraries, whose triggers are in the queue.
            self._drain()
        elif self._started is not None and self._started[1] != current_thread_or_greenlet():
            self._wait_for_greenlet()

    def _begin(self, start: Callable[[OnDemand], None]) -> None:
        self._started = start, current_thread_or_greenlet()
        self._busy = True
        try:
            with _without_signals():
                self._watch_forks()
                self._guard(lambda: start(self))
        finally:
            self._busy = False
            self.stop_watching()
            self._first_use = None

    def _guard(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            self._failed(error)
        except BaseException as error:
            self._failed(error)
            raise

    def _wait_for_greenlet(self) -> None:
        """Wait until another greenlet of this thread has started telemetry; the lock does not keep greenlets apart."""
        # Imported here: gevent and eventlet have replaced its function by one that lets other greenlets run.
        import time

        deadline = time.monotonic() + _WAIT
        while self._first_use is not None and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop_watching(self) -> None:
        """Put the originals of the watched functions back.

        It is called before instrumentations replace these functions: a removed instrumentation restores what it
        replaced, and that must be the original.
        """
        if self._first_use is not None:
            self._first_use.remove()

    def _fired(self, triggers: list[str], may_wait: bool) -> None:
        """Apply the instrumentations that this thread has triggered.

        If another thread is applying instrumentations, this one waits for it: the library is used next. The other
        thread does not apply these: it would wait for the module that this thread is still importing.
        """
        if not self._lock.acquire(timeout=_WAIT_IN_IMPORT if may_wait else 0):
            self._queue += triggers
        else:
            try:
                self._handle(triggers)
            finally:
                self._lock.release()
        self._drain()

    def _drain(self) -> None:
        """Apply the triggers in the queue; if another thread is applying instrumentations, it also applies these."""
        while self._queue and self._lock.acquire(blocking=False):
            try:
                if self._busy:
                    # A caller of this function is applying instrumentations, and continues with the queue.
                    return
                triggers, self._queue = self._queue, []
                self._handle(triggers)
            finally:
                self._lock.release()

    def _handle(self, triggers: list[str]) -> None:
        if self._busy:
            self._queue += triggers
            return
        try:
            self.wake()
            apply = self.apply
            if apply is not None:
                self._busy = True
                with _without_signals():
                    self._guard(lambda: apply(triggers))
        finally:
            self._busy = False
            self.hook.handled(triggers)

    def _handle_signals(self, threading: Any) -> None:
        """Handle signals from now on: the first use may be in another thread, where Python lets no handler be set."""
        if self.asleep and threading.current_thread() is threading.main_thread():
            # Imported by name: at its start a process imports nothing outside of this package.
            from importlib import import_module

            signals = import_module("distrokit.pipeline.os_signals").OSSignals()
            signals.install()
            self.signals = signals

    def _watch_forks(self) -> None:
        """Let forks wait until telemetry has started.

        A child would wait for ever for the lock of a module that another thread is importing.
        Python calls what was registered last first, so the locks of other modules are not held while it waits here.
        """
        if self._watches_forks or not hasattr(os, "register_at_fork"):
            return
        self._watches_forks = True
        from importlib import import_module

        for module in ("logging", "concurrent.futures.thread"):
            try:
                import_module(module)
            except RuntimeError:
                # The process ends; see distrokit.launch.exiting.
                continue
        os.register_at_fork(before=self._before_fork, after_in_parent=self._forked_in_parent)

    def _before_fork(self) -> None:
        self._forking[get_ident()] = self._lock.acquire(timeout=_WAIT)

    def _forked_in_parent(self) -> None:
        if self._forking.pop(get_ident(), False):
            self._lock.release()

    def _forked_in_child(self) -> None:
        held = self._forking.get(get_ident(), False)
        self._forking = {}
        self._lock = RLock()
        self._busy = self._busy and held
        self.forked = True
        self.hook.forked()
        if self._first_use is not None and self._start is None and self._started and not held:
            # The thread that was starting it does not exist here.
            self._start, self._started = self._started[0], None
        if self.signals is not None:
            self.signals.forked()


def _without_signals() -> AbstractContextManager[None]:
    """Return a block in which no signal arrives: its handler may raise anything, and would end a start half-way.

    What it raises at the end of the block is the application's.
    """
    from importlib import import_module

    block: AbstractContextManager[None] = import_module("distrokit.threads").block_signals()
    return block


def _remove_propagators() -> Callable[[], None]:
    """Remove ``OTEL_PROPAGATORS`` from the environment; return a function that puts it back."""
    name = "OTEL_PROPAGATORS"
    text = os.environ.pop(name, None)
    return lambda: None if text is None else os.environ.__setitem__(name, text)


class _LastAtExit:
    """Functions that are called after the application's ``atexit`` functions, which may record something.

    Python calls the functions that were registered last first, so its own is registered when the process starts.
    """

    def __init__(self) -> None:
        self._calls: list[Callable[..., object]] = []
        atexit.register(self._call)

    def register(self, call: Callable[..., object], /) -> object:
        self._calls.append(call)
        return call

    def unregister(self, call: Callable[..., object], /) -> None:
        self._calls = [other for other in self._calls if other != call]

    def _call(self) -> None:
        for call in self._calls:
            call()


def find_sleeping() -> OnDemand | None:
    """Return the one of this process that waits for the first use of telemetry; ``None`` if none does."""
    owners = [getattr(finder, "owner", None) for finder in sys.meta_path if isinstance(finder, ImportHook)]
    return next((owner for owner in owners if isinstance(owner, OnDemand) and owner.asleep), None)


def say(text: str) -> None:
    """Print a line on stderr; for the time before distrokit's channel is imported."""
    try:
        sys.stderr.write(f"distrokit: {text}\n")
        sys.stderr.flush()
    except Exception:  # noqa: S110  (there is no other place to say it)
        pass

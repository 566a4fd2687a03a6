"""Threads that leave the application's signals alone, and greenlets in their place."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def uses_greenlets() -> bool:
    """Tell whether gevent or eventlet has replaced threads by greenlets, which all run in one thread."""
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )


@contextmanager
def block_signals() -> Iterator[None]:
    """Block all signals in the calling thread; threads that it starts meanwhile get none at all.

    A thread that blocks them by itself can receive one before. Then Python's handler, which runs in the main thread,
    may wait for seconds. No effect where gevent or eventlet has replaced threads by greenlets, which run in the main
    thread.
    """
    if not hasattr(signal, "pthread_sigmask") or uses_greenlets():
        yield
        return
    # Asked for first: a pending signal's handler may raise as soon as they are blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_thread(thread: threading.Thread) -> None:
    """Start a thread that receives no signals, so that the application's threads, which may wait for one, do.

    Raises:
        RuntimeError: no thread can be started: the process has too many, or is ending.
    """
    with block_signals():
        thread.start()

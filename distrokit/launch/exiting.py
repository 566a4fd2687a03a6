"""A start while the process ends: an ``atexit`` function is the first to use telemetry.

At that time ``concurrent.futures.thread`` cannot be imported for the first time, and from Python 3.12 on no thread can
be started. The SDK needs both while it is imported: it builds a default resource in a pool of threads.
"""

from __future__ import annotations

import sys
import threading
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from distrokit.threads import block_signals


def is_exiting() -> bool:
    """Tell whether Python calls ``atexit`` functions."""
    if not threading.main_thread().is_alive():
        return True
    if sys.version_info < (3, 12):
        return False
    # If threading was not imported before, it does not know that the main thread has ended; but none can be started.
    try:
        with block_signals():
            start_new_thread(lambda: None, ())
    except RuntimeError:
        return True
    return False


@contextmanager
def without_threads() -> Iterator[None]:
    """Let pools of threads run their work in the calling thread, for a while."""
    # There is no public way to import the module now. A Python without this name refuses nothing.
    register: Any = getattr(threading, "_register_atexit", None)
    if register is not None:
        setattr(threading, "_register_atexit", lambda *args, **kwargs: None)  # noqa: B010  (it is private)
    try:
        module: Any = import_module("concurrent.futures.thread")
        future: Any = import_module("concurrent.futures").Future
    finally:
        if register is not None:
            setattr(threading, "_register_atexit", register)  # noqa: B010  (likewise)

    def submit(pool: object, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        result = future()
        try:
            result.set_result(call(*args, **kwargs))
        except Exception as error:
            result.set_exception(error)
        return result

    original = module.ThreadPoolExecutor.submit
    module.ThreadPoolExecutor.submit = submit
    try:
        yield
    finally:
        module.ThreadPoolExecutor.submit = original

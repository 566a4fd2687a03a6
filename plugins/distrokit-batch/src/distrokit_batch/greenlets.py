"""Whether threads are what they are called, or greenlets of one thread."""

from __future__ import annotations

import gc
import sys
from typing import Any


def uses_greenlets() -> bool:
    """Whether gevent or eventlet has taken the place of :mod:`threading`."""
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )


def before_patch(event: Any) -> None:
    """Called by gevent before it patches a module: where that is threads, end those of distrokit's.

    In the middle of an import gevent can only exchange the import system's locks while there is one thread. With a
    second one, the next import inside that package waits for its own lock for ever.
    """
    if event.module_name in _THREADS:
        for delivery in _deliveries():
            delivery.pause()


def after_patch(event: Any) -> None:
    """Called by gevent after it has patched a module: the threads begin again, as greenlets."""
    if event.module_name in _THREADS:
        for delivery in _deliveries():
            delivery.resume()


#: gevent has an old name for one of them in the second event.
_THREADS = ("_thread", "thread", "threading")


def _deliveries() -> list[Any]:
    # Who has not imported the class has no such object. There is no list of them, and this happens once in a process.
    module: Any = sys.modules.get("distrokit_batch.delivery")
    kind = getattr(module, "Delivery", None)
    return [] if kind is None else [found for found in gc.get_objects() if type(found) is kind]

"""What a forked child is told, and who ends it.

Children of ``multiprocessing`` and of celery end by ``os._exit``, which calls no ``atexit`` function: what they
recorded was lost (opentelemetry-python#4215, #2765). Both have a way to be told before. Nothing here imports them:
who has not imported them does not use them.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider

#: Below every priority that the standard library uses: after its queues and pools.
_LAST = -1000


def watch_forks(before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Call bound methods when this process forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_weak(before), after_in_parent=_weak(in_parent), after_in_child=_weak(in_child))


def _weak(method: Callable[[], None]) -> Callable[[], None]:
    """Handlers cannot be taken back, so they do not keep the method's object alive."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


def watch_uwsgi(after: Callable[[], None]) -> str:
    """It forks in C and calls none of Python's handlers, unless it is told to.

    Returns: what is to be said about it; empty when all is well.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    # With lazy-apps each worker is its own master.
    if uwsgi is None or not {"py-call-osafterfork", "lazy-apps", "lazy"}.isdisjoint(map(_text, uwsgi.opt)):
        return ""
    earlier = getattr(uwsgi, "post_fork_hook", None)
    parent = os.getpid()

    def post_fork() -> None:
        if os.getpid() != parent:
            after()
        if callable(earlier):
            earlier()

    # uwsgidecorators puts its own in this place when it is imported, and does not know of ours.
    uwsgi.post_fork_hook = post_fork
    return "uWSGI forks its workers without telling Python"


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def call_at_end_of_child(stop: Callable[[], object], owner: object) -> None:
    """In a forked child: have ``stop`` called where ``atexit`` is not.

    Args:
        owner: as long as it lives, so does the arrangement.
    """
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        # The child's own registries are emptied before it begins, and these functions are called after that.
        util.register_after_fork(owner, lambda _: util.Finalize(None, stop, exitpriority=_LAST))
    signals: Any = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(lambda **_: stop(), weak=False)


def renew_locks(provider: MeterProvider) -> None:
    """In a forked child: locks of the metrics SDK that a thread of the parent may have held.

    Upstream makes anew those of the provider since 1.44, and not those of its storage and its meters
    (opentelemetry-python#4345): then the next ``collect()`` in the child waits for ever. There is no public way to
    them. What does not exist in this release is left alone.
    """
    consumer = getattr(provider, "_measurement_consumer", None)
    meters = getattr(provider, "_meters", None)
    owners: list[tuple[Any, str]] = [
        (MeterProvider, "_all_metric_readers_lock"),
        (provider, "_lock"),
        (provider, "_meter_lock"),
        (consumer, "_lock"),
        *((meter, "_instrument_registration_lock") for meter in list((meters or {}).values())),
    ]
    kind = type(threading.Lock())
    for owner, name in owners:
        if type(getattr(owner, name, None)) is kind:
            setattr(owner, name, threading.Lock())

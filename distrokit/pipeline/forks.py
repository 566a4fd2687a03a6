"""Callbacks for forks, and for the end of forked children.

Children of ``multiprocessing`` and celery end by ``os._exit``, which calls no ``atexit`` function, so the telemetry
they recorded was lost (opentelemetry-python#4215, #2765). Both offer callbacks that run before. This module does not
import them: an application that uses them has done so.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader

from distrokit.diagnostics import Problem

#: Lower than every priority of the standard library, so that its queues and pools finish first.
_LAST = -1000


def watch_forks(before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Call these bound methods when this process forks; their objects may be garbage-collected."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_weak(before), after_in_parent=_weak(in_parent), after_in_child=_weak(in_child))


def _weak(method: Callable[[], None]) -> Callable[[], None]:
    """Return a call that does not keep the method's object alive: fork handlers cannot be unregistered."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        alive = reference()
        if alive is not None:
            alive()

    return call


class UWSGIWatch:
    """Looks for uWSGI once per process, when telemetry is used: it creates its module after Python has started.

    Args:
        after_fork: called in each forked worker.
        report: receives the problem of a configuration that loses telemetry.
    """

    def __init__(self, after_fork: Callable[[], None], report: Callable[[Problem], None]) -> None:
        self._after_fork, self._report = after_fork, report
        self._found = False

    def __call__(self) -> None:
        if self._found or "uwsgi" not in sys.modules:
            return
        self._found = True
        cause = watch_uwsgi(self._after_fork)
        if cause:
            self._report(
                Problem(
                    code="uwsgi-forks",
                    subject="uWSGI",
                    cause=cause,
                    outcome="its workers may lose telemetry if the application imports uwsgidecorators",
                    remedy="Set py-call-osafterfork = true and enable-threads = true in uWSGI's configuration.",
                    severity="warning",
                )
            )


def watch_uwsgi(after: Callable[[], None]) -> str:
    """Set uWSGI's post-fork hook: it forks in C and runs Python's fork handlers only if configured to.

    Args:
        after: called in each forked worker.

    Returns:
        The cause for a problem; empty without uWSGI, or when it is configured well.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    # With lazy-apps each worker is its own master.
    if uwsgi is None or not {"py-call-osafterfork", "lazy-apps", "lazy"}.isdisjoint(map(_text, uwsgi.opt)):
        return ""
    previous = getattr(uwsgi, "post_fork_hook", None)
    parent = os.getpid()

    def post_fork() -> None:
        if os.getpid() != parent:
            after()
        if callable(previous):
            previous()

    # Importing uwsgidecorators replaces this hook without calling it.
    uwsgi.post_fork_hook = post_fork
    return "uWSGI forks its workers without running Python's fork handlers"


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def call_at_end_of_child(stop: Callable[[], object], owner: object) -> None:
    """Call ``stop`` at the end of this forked child, where ``atexit`` functions are not called.

    Args:
        owner: the callback stays registered as long as this object lives.
    """
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        # multiprocessing clears the child's finalizers at its start, and calls these functions after that.
        util.register_after_fork(owner, lambda _: util.Finalize(None, stop, exitpriority=_LAST))
    signals: Any = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(lambda **_: stop(), weak=False)


def call_at_end_of_this_child(stop: Callable[[], object], owner: object) -> None:
    """Call ``stop`` at the end of this process, a child that was forked before the pipeline started.

    A child of a fork server imports the main module before multiprocessing clears the finalizers.
    """
    call_at_end_of_child(stop, owner)
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, stop, exitpriority=_LAST)


def renew_metrics(provider: Any, parts: Sequence[Any]) -> None:
    """Reset the counters of a forked child: the parent exports what it counted itself."""
    renew_locks(provider)
    for part in parts:
        renew = getattr(part, "renew", None) if isinstance(part, MetricReader) else None
        if callable(renew):
            renew(provider.remove_metric_reader, provider.add_metric_reader)


def renew_locks(provider: MeterProvider) -> None:
    """Replace the metrics SDK's locks in a forked child: a thread of the parent may have held them.

    Since 1.44 upstream replaces the provider's locks, but not those of its storage and its meters
    (opentelemetry-python#4345), so the next ``collect()`` in the child would never return. There is no public access to
    these locks. Names that a release does not have are left alone.
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

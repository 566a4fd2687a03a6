"""Where no thread can be had, be it that the process has too many, or that it ends: the work is done in this one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from distrokit import ExportFailure
from distrokit.pipeline import bounded
from distrokit.pipeline.bounded import Bounded
from distrokit_batch.delivery import Delivery
from distrokit_batch.sizes import Sizes


@contextmanager
def no_threads() -> Iterator[None]:
    """No address space has room for such a stack."""
    threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(0)


def test_a_call_takes_a_thread_that_was_kept_ready_and_then_this_one(monkeypatch):
    # What one release of Python needs.
    monkeypatch.setattr(bounded, "_NEEDS_SPARES", True)
    runs = Bounded()
    runs.keep_ready(1)

    with no_threads():
        spare, here = (runs.begin(threading.current_thread) for _ in range(2))

    deadline = time.monotonic() + 20
    assert spare.ended(deadline)
    assert here.ended(deadline)
    assert (spare.result.name, here.result) == ("distrokit-end", threading.current_thread())


def test_a_call_that_exits_is_kept_as_an_error():
    def exits():
        raise SystemExit(3)

    call = Bounded().begin(exits)

    assert call.ended(time.monotonic() + 20)
    assert isinstance(call.error, SystemExit)


def test_a_queue_keeps_what_it_is_given_and_sends_it_when_it_is_asked():
    arrived: list[int] = []
    lost: Counter[str] = Counter()
    closed = []

    def attempt(batch: list[int], seconds: float) -> ExportFailure | None:
        arrived.extend(batch)
        return None

    sizes = Sizes(queue=30, batch=7, delay_seconds=60, timeout_seconds=1.0)
    queue = Delivery("a-queue", attempt, lambda: closed.append(1), sizes, lambda items, reason: lost.update([reason]))
    with no_threads():
        for one in range(10):
            queue.put(one)
        assert (arrived, queue.count_queued()) == ([], 10)
        assert queue.flush(5) is True
        assert arrived == list(range(10))
        queue.put(10)
        queue.shutdown()

    assert arrived == list(range(11))
    assert (lost, closed) == (Counter(), [1])

"""A bounded queue and one thread that exports from it; a batch is kept until the exporter has delivered it.

The SDK's ``BatchProcessor`` takes a batch out of its queue before it exports it, and drops it whatever the result
(opentelemetry-python#4043); it ignores timeouts, and does not count what a full queue drops. This module uses only the
SDK's public interfaces.

Any thread may call it, and also a signal handler between any two lines, and a forked child without other threads. So it
never waits for a lock that another thread, or the same one further down its stack, may hold. Releasing a plain
lock wakes the thread, and may happen twice. Locks are made together with the thread, so that a late monkey-patch of
:mod:`threading` (gevent) patches them as well.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from distrokit import ExportFailure, LossReporter, start_thread, suppress_instrumentation
from distrokit_batch.flush import FOREVER, QueueFlush
from distrokit_batch.retry import Retry
from distrokit_batch.sizes import Sizes

Item = TypeVar("Item")

#: Longest time in seconds that a thread takes to start.
_START_TIMEOUT = 0.5
#: Time in seconds that a receiver which accepts items takes for a batch, at most.
_PROMPT = 1.0
#: Longest time in seconds that :meth:`Delivery.pause` waits for the thread.
_PAUSE_TIMEOUT = 1.0


class Delivery(Generic[Item]):
    """A queue of items and the thread that exports them.

    Args:
        name: the name of the thread.
        attempt: exports a batch, a list of items, within ``seconds``; returns the failure with the items that remain,
            ``None`` when all arrived.
        close: shuts the exporter down; called once, in the thread.
        sizes: queue size, batch size and times.
        lost: called with the number of lost items and the reason.
        weigh: returns the number that an item counts for in ``lost``.
        collect: called in the thread before each regular export and at the end, to fill the queue; ``None`` for none.
        exit_timeout_seconds: the time limit of :meth:`shutdown` without a :meth:`begin_shutdown` before it.
    """

    def __init__(
        self,
        name: str,
        attempt: Callable[[list[Item], float], ExportFailure | None],
        close: Callable[[], object],
        sizes: Sizes,
        lost: LossReporter,
        *,
        weigh: Callable[[Item], int] = lambda item: 1,
        collect: Callable[[], None] | None = None,
        exit_timeout_seconds: float = 5.0,
    ) -> None:
        self._name, self._attempt, self._close = name, attempt, close
        self._sizes, self._lost, self._weigh, self._collect = sizes, lost, weigh, collect
        self._exit_timeout = exit_timeout_seconds
        self._capacity, self._batch = sizes.queue, sizes.batch
        self.forked()

    def forked(self) -> None:
        """Reset in a forked child: no items and no thread, since the parent exports its own items."""
        self._queue: deque[Item] = deque()
        # Items out of the queue that are being sent, or wait for a retry.
        self._kept: list[Item] = []
        self._flushes: deque[QueueFlush] = deque()
        self._thread: threading.Thread | None = None
        # True when the thread was asked for, also where none could be started.
        self._wanted = False
        self._starting = threading.Lock()
        self._wake = threading.Lock()
        # True when the thread was woken, and has not yet checked the queue.
        self._woken = False
        # When the attempt under way began (monotonic seconds); 0 between attempts.
        self._sending_since = 0.0
        # True while the thread sleeps until something is queued.
        self._idle = False
        self._deadline: float | None = None
        self._closed = False
        self._retry = Retry()
        # When the next regular export is due.
        self._due = 0.0
        # Counts of items that the thread took from the queue, of lost batches, and of dropped oldest items. The last is
        # not exact: several threads may drop at once.
        self._taken = self._failed = self._dropped = 0
        self._collecting = False
        # True while the thread ends to be started again later.
        self._pausing = False

    # ------------------------------------------------------------------- any thread

    def put(self, item: Item, *, during_shutdown: bool = False) -> None:
        """Queue an item; never blocks, never raises.

        Args:
            during_shutdown: accept the item after :meth:`begin_shutdown` too, since ``collect`` found it.
        """
        queue = self._queue
        if self._deadline is not None and not during_shutdown:
            self._lost(self._weigh(item), "after_shutdown")
            return
        if len(queue) >= self._capacity and not self._make_room(item):
            return
        queue.append(item)
        if self._closed:
            # The thread ended meanwhile.
            self._give_up("after_shutdown")
        elif self._thread is None:
            self.start()
        elif self._idle or (not self._woken and len(queue) >= self._batch):
            self._wake_thread()

    def start(self) -> None:
        """Start the thread; while the interpreter ends none can start, and items stay queued for :meth:`shutdown`."""
        self._wanted = True
        if self._thread is not None or self._pausing or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._wake = threading.Lock()
                self._wake.acquire()
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                start_thread(thread)
                self._thread = thread
        except RuntimeError:
            # The process has too many threads, or is ending.
            self._thread = None
        finally:
            self._starting.release()

    def flush(self, seconds: float) -> bool:
        """Send all items that are queued now; true if all were delivered within ``seconds``."""
        if self._deadline is not None:
            return False
        if self._thread is None and not self._queue:
            return True
        deadline = time.monotonic() + seconds
        self.start()
        if self._thread is None and self._starting.acquire(blocking=False):
            # No thread can be started, since the interpreter ends.
            try:
                return self._drain(deadline)
            finally:
                self._starting.release()
        flush = QueueFlush(deadline)
        self._flushes.append(flush)
        self._wake_thread()
        return flush.wait(self._exit_timeout)

    def pause(self) -> None:
        """End the thread until :meth:`resume`; gives up when an export under way takes too long."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._pausing = True
            self._wake_thread()
            thread.join(_PAUSE_TIMEOUT)

    def resume(self) -> None:
        """Start the thread again after :meth:`pause`."""
        if self._pausing:
            self._pausing = False
            self._starting = threading.Lock()
            self.start()

    def count_queued(self) -> int:
        """Return the number of queued items, including the batch under way."""
        return len(self._queue) + len(self._kept)

    def begin_shutdown(self, deadline: float) -> None:
        """Accept no more items, and export the queued ones until ``deadline`` (monotonic seconds)."""
        if self._deadline is None:
            self._deadline = deadline
            self._wake_thread()

    def shutdown(self) -> None:
        """Wait until all is sent and the exporter is shut down, or until the deadline; count the rest as lost."""
        self.begin_shutdown(time.monotonic() + self._exit_timeout)
        if self._thread is None and not self._closed:
            # Another thread may be starting it. The lock is kept, so that no thread is started from now on.
            self._starting.acquire(timeout=_START_TIMEOUT)
        thread = self._thread
        if thread is None:
            if not self._closed:
                self._end()
        elif thread is not threading.current_thread():
            thread.join(max(0.0, (self._deadline or 0.0) - time.monotonic()))
            if thread.is_alive():
                if self._collecting:
                    self._lost(0, "the last collection timed out; the measurements since the one before are lost")
                self._give_up("exit")

    def _wake_thread(self) -> None:
        self._woken = True
        with contextlib.suppress(RuntimeError):
            # The thread is awake already.
            self._wake.release()

    def _is_accepting(self) -> bool:
        """True if the receiver has taken the last batch, and does not take long for the present one."""
        since = self._sending_since
        return not self._retry.at and (not since or time.monotonic() - since < _PROMPT)

    def _make_room(self, item: Item) -> bool:
        """Drop an item of the full queue, unless this is a burst; true if the new one can be queued."""
        if len(self._queue) < self._sizes.burst and self._is_accepting():
            # An outage fills a queue and keeps it full; a burst is sent within seconds.
            return True
        if self._sizes.drop_newest:
            self._lost(self._weigh(item), "queue_full")
            return False
        with contextlib.suppress(IndexError):
            # The thread may have emptied the queue meanwhile.
            self._lost(self._weigh(self._queue.popleft()), "queue_full")
            self._dropped += 1
        return True

    # ------------------------------------------------------------------- the thread

    def _run(self) -> None:
        # The thread that starts this one may be interrupted before it can set the attribute.
        self._thread = threading.current_thread()
        self._due = time.monotonic() + self._sizes.delay_seconds
        while self._deadline is None:
            self._sleep()
            if self._pausing and self._deadline is None:
                self._thread = None
                return
            flushes, lost, done = list(self._flushes), (self._failed, self._dropped), False
            if self._deadline is None:
                self._collect_if_due()
                done = self._drain(max((flush.deadline for flush in flushes), default=0.0))
            for flush in flushes:
                self._flushes.remove(flush)
                flush.complete(done and lost == (self._failed, self._dropped))
        self._end()

    def _sleep(self) -> None:
        """Sleep until the delay is over, a batch is full, a retry is due, or a flush waits."""
        self._sleep_while_idle()
        # While a retry is pending, full batches do not wake the thread: they cannot be sent.
        self._woken = bool(self._retry.at)
        if len(self._queue) >= self._batch and not self._retry.at:
            # The batch was full before this thread could be woken.
            return
        while not self._flushes and self._deadline is None and not self._pausing:
            next_time = self._due
            if self._retry.at:
                next_time = min(self._due, self._retry.at) if self._collect is not None else self._retry.at
            left = next_time - time.monotonic()
            if left <= 0 or (self._wake.acquire(timeout=min(left, FOREVER)) and not self._retry.at):
                break
        self._woken = False

    def _sleep_while_idle(self) -> None:
        """Sleep until something is queued or asked for, so that a process without telemetry never wakes."""
        self._idle, slept = self._collect is None, False
        while self._idle and self._empty and not self._flushes and self._deadline is None and not self._pausing:
            slept = self._wake.acquire()
        self._idle = False
        if slept:
            self._due = max(self._due, time.monotonic() + self._sizes.delay_seconds)

    def _collect_if_due(self) -> None:
        """Collect when the interval is over or a flush waits."""
        now = time.monotonic()
        if now >= self._due or self._flushes:
            self._due = now + self._sizes.delay_seconds
            self._collect_now()

    def _collect_now(self) -> None:
        if self._collect is not None:
            self._collecting = True
            self._collect()
            self._collecting = False

    def _drain(self, awaited_until: float) -> bool:
        """Send a batch, and more while full ones are queued; send all items that are queued now when a flush waits.

        Args:
            awaited_until: when the last flush stops waiting (monotonic seconds); in the past for no flush.

        Returns: true if no item that was queued at the start is left; items that are added meanwhile do not count.
        """
        first, since, goal = True, time.monotonic(), self._taken + len(self._queue)
        if awaited_until > since:
            self._retry.begin_waiting()
        while self._deadline is None and not self._empty:
            now = time.monotonic()
            awaited = awaited_until > now
            if not awaited and (self._retry.at > now or not (first or len(self._queue) >= self._batch)):
                break
            if awaited and not self._kept and self._taken >= goal:
                break
            if self._retry.asked_until > now:
                # The delay that the receiver asked for also holds for a flush.
                if self._retry.asked_until >= awaited_until:
                    break
                self._wake.acquire(timeout=self._retry.asked_until - now)
                continue
            first = False
            seconds = self._sizes.timeout_seconds
            if self._send(min(seconds, awaited_until - now) if awaited else seconds) or not awaited:
                continue
            pause = self._retry.pause_while_awaited(since, awaited_until)
            if pause is None:
                break
            self._wake.acquire(timeout=pause)
        return not self._kept and (not self._queue or self._taken >= goal)

    def _end(self) -> None:
        """Collect for the last time, send all items and shut the exporter down, by the deadline."""
        deadline = self._deadline or 0.0
        since = time.monotonic()
        failed = self._failed
        self._retry.begin_waiting()
        if self._wanted:
            # Spans of callbacks could not be sent any more: the other signals are being shut down.
            with suppress_instrumentation():
                self._collect_now()
        if since < self._retry.asked_until < deadline:
            time.sleep(self._retry.asked_until - since)
        while not self._empty:
            left = deadline - time.monotonic()
            if left <= 0:
                self._give_up("exit")
            elif not self._send(min(left, self._sizes.timeout_seconds)):
                pause = self._retry.pause_while_awaited(since, deadline)
                if pause is None:
                    self._give_up("failed")
                else:
                    time.sleep(pause)
        for flush in list(self._flushes):
            flush.complete(failed == self._failed)
        self._closed = True
        # Items of threads that checked for the end before it was set.
        self._give_up("after_shutdown")
        self._close()

    @property
    def _empty(self) -> bool:
        return not self._kept and not self._queue

    def _send(self, seconds: float) -> bool:
        """Send one batch once; false when it is kept for a retry."""
        if not self._kept:
            self._kept = self._take()
        if not self._kept:
            return True
        kept, self._sending_since = self._kept, time.monotonic()
        try:
            left = self._attempt(kept, seconds)
        except BaseException:
            # An exporter may call sys.exit(); the thread goes on.
            if self._kept is kept:
                self._lost(self._total_weight(kept), "failed")
            left = ExportFailure([], "")
        finally:
            self._sending_since = 0.0
        if self._kept is not kept:
            # It took too long: shutdown() has counted the batch as lost.
            return True
        self._failed += left is not None and not left.items
        if left is None or not left.items:
            self._kept = []
            self._retry.reset()
            return True
        self._kept = list(left.items)
        self._retry.record_failure(left)
        return False

    def _take(self) -> list[Item]:
        batch: list[Item] = []
        # Other threads may drop the oldest items meanwhile.
        with contextlib.suppress(IndexError):
            batch.extend(self._queue.popleft() for _ in range(min(self._batch, len(self._queue))))
        self._taken += len(batch)
        return batch

    def _give_up(self, reason: str) -> None:
        """Count all remaining items as lost, once."""
        left, self._kept = list(self._kept), []
        # Other threads may put and take at the same time.
        with contextlib.suppress(IndexError):
            while True:
                left.append(self._queue.popleft())
        self._failed += bool(left)
        if left:
            self._lost(self._total_weight(left), reason)

    def _total_weight(self, items: list[Item]) -> int:
        return sum(map(self._weigh, items))

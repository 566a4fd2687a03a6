"""A bounded queue and the one thread that empties it: a batch is kept until the exporter has taken it.

The SDK's ``BatchProcessor`` takes a batch out of its queue before it exports it, and forgets it whatever the answer
(opentelemetry-python#4043); it heeds no timeout, and a full queue is not counted. This one stands on the SDK's public
interfaces only.

What is asked of it by any thread, by a signal handler in the middle of any line, and after a fork in a process where
no other thread exists: so nothing here takes a lock that another thread, or the same one further down its stack, might
hold. Waking is the release of a plain lock, which may be done twice; locks are made together with the thread, so that
what monkey-patches :mod:`threading` meanwhile (gevent) patches them as well.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from opentelemetry.instrumentation.utils import suppress_instrumentation

from distrokit import ExportFailure, LossReporter
from distrokit_batch.flush import FOREVER, Flush
from distrokit_batch.greenlets import uses_greenlets
from distrokit_batch.retry import Retry
from distrokit_batch.sizes import Sizes

Item = TypeVar("Item")

#: Seconds that the start of a thread takes at most.
_START_TIMEOUT = 0.5
#: Seconds that its end takes at most when it is to begin again.
_PAUSE_TIMEOUT = 1.0


class Delivery(Generic[Item]):
    """See the module.

    Args:
        name: of the thread.
        attempt: gives a batch, a list of items, to the exporter: ``(batch, seconds)`` to what is left of it, ``None``
            when all has arrived.
        close: shuts the exporter down; called once, in the thread.
        sizes: how much, how often.
        lost: told how many are lost, and why.
        weigh: how many an item counts for in ``lost``.
        collect: called in the thread before each regular export and at the end, to fill the queue; ``None`` for none.
        exit_timeout_seconds: how long :meth:`shutdown` takes when :meth:`begin_shutdown` did not say.
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
        """Begin anew, with nothing queued and no thread: in the child of a fork, what there was is the parent's."""
        self._queue: deque[Item] = deque()
        # Taken out of the queue: being sent, or waiting for another try.
        self._kept: list[Item] = []
        self._flushes: deque[Flush] = deque()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Lock()
        # Whether the thread has been woken, and has not looked yet.
        self._woken = False
        self._deadline: float | None = None
        self._closed = False
        self._retry = Retry()
        # When the next regular export is due.
        self._due = 0.0
        # How many items the thread has taken out of the queue; how many batches were lost for good; whether the oldest
        # were dropped: several threads do that at once, so it is no exact number.
        self._taken = self._failed = self._dropped = 0
        self._collecting = False
        # Whether the thread ends, to begin again later.
        self._pausing = False

    # ------------------------------------------------------------------- any thread

    def put(self, item: Item, *, during_shutdown: bool = False) -> None:
        """Queue an item; never blocks, never raises.

        Args:
            during_shutdown: it is taken after :meth:`begin_shutdown`, too: it is what ``collect`` found.
        """
        queue = self._queue
        if self._deadline is not None and not during_shutdown:
            self._lost(self._weigh(item), "after_shutdown")
            return
        if len(queue) >= self._capacity and not self._make_room(item):
            return
        queue.append(item)
        if self._closed:
            # It has come to its end meanwhile.
            self._give_up("after_shutdown")
        elif self._thread is None:
            self.start()
        elif not self._woken and len(queue) >= self._batch:
            self._wake_thread()

    def start(self) -> None:
        """Start the thread; at the interpreter's end, where none can be started, what is queued waits for the end."""
        if self._thread is not None or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._wake = threading.Lock()
                self._wake.acquire()
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
        except RuntimeError:
            # No more threads: the process has too many, or is ending.
            self._thread = None
        finally:
            self._starting.release()

    def flush(self, seconds: float) -> bool:
        """Send all that is queued by now; whether it was all delivered within this time."""
        if self._deadline is not None:
            return False
        if self._thread is None and not self._queue:
            return True
        deadline = time.monotonic() + seconds
        self.start()
        if self._thread is None and self._starting.acquire(blocking=False):
            # None can be started: the interpreter ends.
            try:
                with suppress_instrumentation():
                    return self._drain(deadline)
            finally:
                self._starting.release()
        flush = Flush(deadline)
        self._flushes.append(flush)
        self._wake_thread()
        return flush.wait(self._exit_timeout)

    def pause(self) -> None:
        """End the thread until :meth:`resume`, unless an export under way takes too long."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._pausing = True
            self._wake_thread()
            thread.join(_PAUSE_TIMEOUT)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        if self._pausing:
            self._pausing = False
            self._starting = threading.Lock()
            self.start()

    def count_queued(self) -> int:
        """How many items wait, the batch under way included."""
        return len(self._queue) + len(self._kept)

    def begin_shutdown(self, deadline: float) -> None:
        """From here on nothing is taken, and what there is has until ``deadline`` (monotonic seconds)."""
        if self._deadline is None:
            self._deadline = deadline
            self._wake_thread()

    def shutdown(self) -> None:
        """Wait until all is sent and the exporter is shut down, or the deadline is there; the rest is counted."""
        self.begin_shutdown(time.monotonic() + self._exit_timeout)
        if self._thread is None and not self._closed:
            # Somebody may be starting it. From here on nobody does: it is kept.
            self._starting.acquire(timeout=_START_TIMEOUT)
        thread = self._thread
        if thread is None:
            if not self._closed:
                with suppress_instrumentation():
                    self._end()
        elif thread is not threading.current_thread():
            thread.join(max(0.0, (self._deadline or 0.0) - time.monotonic()))
            if thread.is_alive():
                if self._collecting:
                    self._lost(0, "the last collection did not end in time; what was measured since then is lost")
                self._give_up("exit")

    def _wake_thread(self) -> None:
        self._woken = True
        with contextlib.suppress(RuntimeError):
            # It is awake already.
            self._wake.release()

    def _make_room(self, item: Item) -> bool:
        """Whether a full queue takes it."""
        if self._sizes.drop_newest:
            self._lost(self._weigh(item), "queue_full")
            return False
        with contextlib.suppress(IndexError):
            # The thread may be quicker.
            self._lost(self._weigh(self._queue.popleft()), "queue_full")
            self._dropped += 1
        return True

    # ------------------------------------------------------------------- the thread

    def _run(self) -> None:
        # Interrupted at the wrong moment, who has started it may not come to say so.
        self._thread = threading.current_thread()
        # The application's signals are for its own threads, be it that they wait for one. Where gevent has taken the
        # place of threads, this is the main one.
        if hasattr(signal, "pthread_sigmask") and not uses_greenlets():
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        # What the exporter does is not telemetry of the application's.
        with suppress_instrumentation():
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
        """Until the delay is over, a batch is full, the receiver may be tried again, or somebody waits."""
        # While the receiver is away, full batches do not wake it: there is nowhere to go with them.
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

    def _collect_if_due(self) -> None:
        """Collect, when it is time to or somebody waits."""
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
        """Send a batch, and go on while there is a full one; all that there is by now when somebody waits.

        Args:
            awaited_until: when the last one stops waiting (monotonic seconds); in the past for nobody.

        Returns: whether nothing is left of what there was; what others put meanwhile does not count.
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
                # The time that the receiver asked for holds for a flush as well.
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
        """The last collection, all that is queued, and the exporter's shutdown; by the deadline."""
        deadline = self._deadline or 0.0
        since = time.monotonic()
        failed = self._failed
        self._retry.begin_waiting()
        if self._thread is not None:
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
        # What was put by a thread that had looked before.
        self._give_up("after_shutdown")
        self._close()

    @property
    def _empty(self) -> bool:
        return not self._kept and not self._queue

    def _send(self, seconds: float) -> bool:
        """One batch, once; false when it is kept for another try."""
        if not self._kept:
            self._kept = self._take()
        if not self._kept:
            return True
        kept = self._kept
        try:
            left = self._attempt(kept, seconds)
        except BaseException:
            # An exporter may call sys.exit(); the thread goes on.
            if self._kept is kept:
                self._lost(self._total_weight(kept), "failed")
            left = ExportFailure([], "")
        if self._kept is not kept:
            # It took too long: who waits for the end has counted it as lost.
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
        # Others drop the oldest meanwhile.
        with contextlib.suppress(IndexError):
            batch.extend(self._queue.popleft() for _ in range(min(self._batch, len(self._queue))))
        self._taken += len(batch)
        return batch

    def _give_up(self, reason: str) -> None:
        """Count what is left, once."""
        left, self._kept = list(self._kept), []
        # Others may put and take at the same time.
        with contextlib.suppress(IndexError):
            while True:
                left.append(self._queue.popleft())
        self._failed += bool(left)
        if left:
            self._lost(self._total_weight(left), reason)

    def _total_weight(self, items: list[Item]) -> int:
        return sum(map(self._weigh, items))

"""One thread for an exporter: takes what waits on disk, oldest first, and gives it to the exporter until that has it.

It may be woken by any thread and by a signal handler in the middle of any line, so nothing here takes a lock that the
same thread might hold further down its stack; waking is the release of a plain lock.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from opentelemetry.instrumentation.utils import suppress_instrumentation

from distrokit import ExportFailure, LossReporter, Signal
from distrokit_spool.directory import Unusable
from distrokit_spool.flush import Flush
from distrokit_spool.messages import Outages
from distrokit_spool.payloads import Unreadable, decode, encode
from distrokit_spool.store import Batch, Store

#: Seconds between two tries while the receiver is away: first, and at most; each is twice the one before.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: Seconds that a receiver may ask to be left alone.
LONGEST_WAIT = 600.0
#: Seconds between two looks for what other processes have left.
LOOK = 5.0
#: Seconds for the last effort, when nobody said how long the end may take.
EXIT = 5.0
#: Of the time for the end, what the exporter's own shutdown is left with.
_RESERVE = 0.2
#: Of that time, after which an export is taken for one that hangs.
_HANGS = 0.75
#: A batch that failed while others got through, this many times, is not tried again.
SETBACKS = 5

Outcome = Literal["sent", "failed", "nothing"]


class Sender:
    """See the module.

    Args:
        queue: what it sends of: ``otlp/backup traces``.
        deliver: gives items to the exporter: ``(items, seconds)`` to what may be tried again, ``None`` for nothing.
        timeout: of one delivery, in seconds.
        lost: told how many items are lost, and why.
        blind: the exporter cannot tell whether a batch failed or the receiver.
    """

    def __init__(
        self,
        store: Store,
        queue: str,
        signal: Signal,
        deliver: Callable[[Any, float], ExportFailure | None],
        timeout: float,
        lost: LossReporter,
        *,
        blind: bool = True,
    ) -> None:
        self._store, self._queue, self._blind = store, queue, blind
        self._signal: Signal = signal
        self._deliver, self._timeout, self._lost = deliver, timeout, lost
        self.forked()

    def forked(self) -> None:
        """Begin anew, without a thread: in the child of a fork, which has none."""
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self._starting, self._wake = threading.Lock(), threading.Lock()
        self._flushes: list[Flush] = []
        self._deadline: float | None = None
        self._stopping = False
        self._outages = Outages()
        # While the receiver is away: when it is tried again, how often it was, and with which batch.
        self._retry_at, self._failures, self._failed = 0.0, 0, 0
        # Until when the receiver asked to be left alone, which holds for a flush as well.
        self._asked_until = 0.0
        # That batch, as it is on disk, and its items: the exporter knows by them what it has sent before.
        self._content, self._items = b"", None

    # ---------------------------------------------------------------------- any thread

    def call(self) -> None:
        """There is something to send; starts the thread where there is none."""
        if self._pid != os.getpid():
            self.forked()
        if not self._stopping and (self._thread is None or not self._thread.is_alive()):
            self._start()
        with contextlib.suppress(RuntimeError):
            # It is awake already.
            self._wake.release()

    def flush(self, seconds: float) -> bool:
        """Whether, within this time, all was delivered that waits in this queue."""
        if self._stopping:
            return False
        flush = Flush()
        self._flushes.append(flush)
        self.call()
        return self._thread is not None and flush.awaited(seconds)

    def begin_shutdown(self, deadline: float) -> None:
        """The process ends at ``deadline`` (monotonic seconds); what comes is still taken."""
        self._deadline = deadline

    def stop(self) -> None:
        """One last effort, by the deadline; what is not delivered stays on disk, and is not lost.

        The export of a blind exporter may wait for its shutdown, which is left some of the time; see :meth:`join`.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + EXIT
        self._stopping = True
        thread = self._thread if self._pid == os.getpid() else None
        if thread is None or not thread.is_alive():
            # At the interpreter's end none can be started.
            with suppress_instrumentation():
                self._end()
        elif thread is not threading.current_thread():
            self.call()
            left = max(0.0, self._deadline - time.monotonic())
            thread.join(left * _HANGS if self._blind else left)

    def join(self) -> None:
        """After :meth:`stop` and the exporter's shutdown: wait for the rest of the time."""
        thread = self._thread if self._pid == os.getpid() else None
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, (self._deadline or 0.0) - time.monotonic()))

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name=f"distrokit-spool {self._queue}", daemon=True)
                with contextlib.suppress(RuntimeError):
                    # The process has too many threads, or is ending.
                    thread.start()
                    self._thread = thread
        finally:
            self._starting.release()

    # ---------------------------------------------------------------------- the thread

    def _run(self) -> None:
        # What the exporter does is not telemetry of the application's.
        with suppress_instrumentation():
            while not self._stopping:
                flushes = list(self._flushes)
                delivered = self._drain(lambda: not self._stopping and time.monotonic() >= self._asked_until)
                for flush in flushes:
                    self._flushes.remove(flush)
                    flush.answer(delivered)
                if not self._stopping and not self._flushes:
                    self._sleep()
            self._end()

    def _sleep(self) -> None:
        """Until something comes, the receiver may be tried again, or it is time for a look."""
        while not self._stopping and not self._flushes:
            left = (self._retry_at or time.monotonic() + LOOK) - time.monotonic()
            # While the receiver is away, what comes does not wake it: there is nowhere to go with it.
            if left <= 0 or not self._wake.acquire(timeout=left) or not self._retry_at:
                return

    def _drain(self, go_on: Callable[[], bool]) -> bool:
        """Send until nothing is left, which is true, or one fails."""
        while go_on():
            seconds = self._timeout
            if self._deadline is not None:
                seconds = min(seconds, self._deadline - _RESERVE - time.monotonic())
            if seconds <= 0:
                return False
            outcome = self._step(seconds)
            if outcome == "nothing":
                with contextlib.suppress(Unusable):
                    self._store.shrink()
            if outcome != "sent":
                return outcome == "nothing"
        return False

    def _end(self) -> None:
        self._drain(lambda: True)
        for flush in list(self._flushes):
            flush.answer(False)

    def _step(self, seconds: float) -> Outcome:
        """One batch, once."""
        # Every other time the one behind the one that failed: whether it is the batch or the receiver.
        after = self._failed if self._blind and self._failures % 2 else 0
        try:
            batch = self._store.take(self._queue, after) or (self._store.take(self._queue) if after else None)
            if batch is None:
                self._retry_at, self._failures = 0.0, 0
                return "nothing"
            try:
                again = batch.id == self._failed and batch.content == self._content
                items = self._items if again else decode(self._signal, batch.content)
            except Unreadable as error:
                self._store.done(batch)
                self._lost(batch.items, "that the spool could not read back", str(error))
                return "sent"
            return self._send(batch, items, seconds)
        except Unusable:
            # It has been said. A batch that was delivered and could not be deleted is sent again.
            self._pause(None)
            return "failed"

    def _send(self, batch: Batch, items: Any, seconds: float) -> Outcome:
        left = self._deliver(items, seconds)
        if left is not None and left.items:
            self._content, self._items = self._keep(batch, items, left), left.items
            self._failed = batch.id
            self._pause(left.wait_seconds)
            cause = " ".join(left.cause.split())[:300].rstrip(".")
            text = f"{self._queue}: {cause}; kept in {self._store.directory}, with what comes, until it gets through."
            self._outages.begin("away", text)
            return "failed"
        self._store.done(batch)
        if self._failures and batch.id != self._failed:
            refused = self._store.set_back(self._failed, SETBACKS)
            if refused:
                self._lost(
                    refused, "failed", f"the exporter failed with this batch {SETBACKS} times, and not with others"
                )
        self._retry_at, self._failures, self._failed = 0.0, 0, 0
        self._content, self._items = b"", None
        self._outages.end(f"{self._queue}: the receiver takes data again")
        return "sent"

    def _keep(self, batch: Batch, items: Any, left: ExportFailure) -> bytes:
        """Put back what is left of it; returns what is on disk now."""
        if left.items is items:
            self._store.give_back(batch)
            return batch.content
        rest = encode(self._signal, left.items)
        if rest.refused:
            self._lost(rest.refused, "unencodable")
        if rest.content:
            self._store.replace(batch, rest.content, rest.items)
        else:
            self._store.done(batch)
        return rest.content

    def _pause(self, asked: float | None) -> None:
        self._failures += 1
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        # Not all processes at once.
        pause *= random.uniform(0.8, 1.0)  # noqa: S311  # no secret
        now, asked = time.monotonic(), min(asked or 0.0, LONGEST_WAIT)
        self._retry_at, self._asked_until = now + max(pause, asked), now + asked

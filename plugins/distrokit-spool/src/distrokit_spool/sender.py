"""The sender's thread, one per exporter: takes batches from disk, oldest first, and exports them with retries.

Any thread may wake it, and so may a signal handler at any point. So waking acquires no lock that the same thread may
already hold; it releases a plain lock.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from distrokit import ExportFailure, LossReporter, Signal, shorten_cause, start_thread, suppress_instrumentation
from distrokit_spool.directory import SpoolError
from distrokit_spool.flush import SpoolFlush
from distrokit_spool.messages import Outages
from distrokit_spool.payloads import Unreadable, decode, encode
from distrokit_spool.store import Batch, SpoolStore

# Not the application's sequence, which a seed may have made repeatable.
_RANDOM = random.SystemRandom()
#: Backoff in seconds: the first pause, and the longest one; each pause is twice the one before.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: Longest pause in seconds that a receiver may ask for (Retry-After).
LONGEST_WAIT = 600.0
#: Seconds between two checks for batches that other processes left.
LOOK = 5.0
#: Seconds for the final flush if there is no deadline.
EXIT = 5.0
#: Seconds of the shutdown time that are reserved for the exporter's own shutdown.
_RESERVE = 0.2
#: Fraction of the shutdown time after which an export counts as hanging.
_HANGS = 0.75
#: A batch is dropped after it failed this many times while other batches were delivered.
SETBACKS = 5

Outcome = Literal["sent", "failed", "nothing"]


class SpoolSender:
    """Delivers the batches of one queue.

    Args:
        queue: name of the queue: ``otlp/backup traces``.
        deliver: exports items: ``(items, seconds)`` to the items to retry, ``None`` if all is done.
        timeout: of one delivery, in seconds.
        lost: called with the number of lost items and the reason.
        endpoint: the receiver's address, for messages; empty if unknown.
        blind: true if the exporter cannot tell a bad batch from an unreachable receiver.
    """

    def __init__(
        self,
        store: SpoolStore,
        queue: str,
        signal: Signal,
        deliver: Callable[[Any, float], ExportFailure | None],
        timeout: float,
        lost: LossReporter,
        *,
        endpoint: str = "",
        blind: bool = True,
    ) -> None:
        self._store, self._queue, self._blind, self._endpoint = store, queue, blind, endpoint
        self._signal: Signal = signal
        self._deliver, self._timeout, self._lost = deliver, timeout, lost
        self.forked()

    def forked(self) -> None:
        """Reset everything: a forked child has no thread."""
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self._starting, self._wake = threading.Lock(), threading.Lock()
        self._flushes: list[SpoolFlush] = []
        self._deadline: float | None = None
        self._stopping = False
        self._outages = Outages()
        # During an outage: time of the next retry, number of failures, id of the batch that failed.
        self._retry_at, self._failures, self._failed = 0.0, 0, 0
        # The receiver asked for a pause until then; a flush respects it as well.
        self._asked_until = 0.0
        # The failed batch, as on disk, and its items: the exporter recognizes a retry by the identity of the items.
        self._content, self._items = b"", None

    # ---------------------------------------------------------------------- any thread

    def wake(self) -> None:
        """Wake the thread; start it if there is none."""
        if self._pid != os.getpid():
            self.forked()
        if not self._stopping and (self._thread is None or not self._thread.is_alive()):
            self._start()
        with contextlib.suppress(RuntimeError):
            # RuntimeError: it is awake already.
            self._wake.release()

    def flush(self, seconds: float) -> bool:
        """Return true if all batches of this queue were delivered within this time."""
        if self._stopping:
            return False
        flush = SpoolFlush()
        self._flushes.append(flush)
        self.wake()
        return self._thread is not None and flush.wait(seconds)

    def begin_shutdown(self, deadline: float) -> None:
        """Note that the process ends at ``deadline`` (monotonic seconds); new batches are still accepted."""
        self._deadline = deadline

    def stop(self) -> None:
        """Deliver until the deadline; undelivered batches stay on disk and are not lost.

        An export of a blind exporter may return only after its shutdown, so leave time for that; see :meth:`join`.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + EXIT
        self._stopping = True
        thread = self._thread if self._pid == os.getpid() else None
        if thread is None or not thread.is_alive():
            # No thread can be started while the interpreter shuts down.
            with suppress_instrumentation():
                self._end()
        elif thread is not threading.current_thread():
            self.wake()
            left = max(0.0, self._deadline - time.monotonic())
            thread.join(left * _HANGS if self._blind else left)

    def join(self) -> None:
        """Wait for the thread until the deadline, after :meth:`stop` and the exporter's shutdown."""
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
                    # RuntimeError: the process has too many threads, or shuts down.
                    start_thread(thread)
                    self._thread = thread
        finally:
            self._starting.release()

    # ---------------------------------------------------------------------- the thread

    def _run(self) -> None:
        # The thread that starts this one may be interrupted before it can set the attribute.
        self._thread = threading.current_thread()
        # The exporter's own requests are not telemetry of the application.
        with suppress_instrumentation():
            while not self._stopping:
                flushes = list(self._flushes)
                delivered = self._drain(lambda: not self._stopping and time.monotonic() >= self._asked_until)
                for flush in flushes:
                    self._flushes.remove(flush)
                    flush.finish(delivered)
                if not self._stopping and not self._flushes:
                    self._sleep()
            self._end()

    def _sleep(self) -> None:
        """Sleep until a new batch, the next retry, or the next check."""
        while not self._stopping and not self._flushes:
            left = (self._retry_at or time.monotonic() + LOOK) - time.monotonic()
            # During an outage a new batch does not end the pause.
            if left <= 0 or not self._wake.acquire(timeout=left) or not self._retry_at:
                return

    def _drain(self, go_on: Callable[[], bool]) -> bool:
        """Send until the queue is empty (true) or an export fails (false)."""
        while go_on():
            seconds = self._timeout
            if self._deadline is not None:
                seconds = min(seconds, self._deadline - _RESERVE - time.monotonic())
            if seconds <= 0:
                return False
            outcome = self._step(seconds)
            if outcome == "nothing":
                with contextlib.suppress(SpoolError):
                    self._store.shrink()
            if outcome != "sent":
                return outcome == "nothing"
        return False

    def _end(self) -> None:
        self._drain(lambda: True)
        for flush in list(self._flushes):
            flush.finish(False)

    def _step(self, seconds: float) -> Outcome:
        """Try one batch once."""
        # Every second time try the batch after the failed one, to tell a bad batch from an unreachable receiver.
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
                self._store.delete(batch)
                self._lost(batch.items, "because the spool could not decode them", str(error))
                return "sent"
            return self._send(batch, items, seconds)
        except SpoolError:
            # Already logged. A batch that was delivered but could not be deleted is sent again.
            self._pause(None)
            return "failed"

    def _send(self, batch: Batch, items: Any, seconds: float) -> Outcome:
        left = self._deliver(items, seconds)
        if left is not None and left.items:
            self._content, self._items = self._requeue(batch, items, left), left.items
            self._failed = batch.id
            self._pause(left.wait_seconds)
            cause = shorten_cause(left.cause, self._endpoint).rstrip(".")
            text = f"{self._queue}: {cause}; batches are queued in {self._store.directory} and retried."
            self._outages.begin("away", text)
            return "failed"
        self._store.delete(batch)
        if self._failures and batch.id != self._failed:
            refused = self._store.defer(self._failed, SETBACKS)
            if refused:
                self._lost(
                    refused, "failed", f"the exporter failed with this batch {SETBACKS} times, and not with others"
                )
        self._retry_at, self._failures, self._failed = 0.0, 0, 0
        self._content, self._items = b"", None
        self._outages.end(f"{self._queue}: export recovered")
        return "sent"

    def _requeue(self, batch: Batch, items: Any, left: ExportFailure) -> bytes:
        """Put the rest of a batch back; return the payload that is on disk now."""
        if left.items is items:
            self._store.give_back(batch)
            return batch.content
        rest = encode(self._signal, left.items)
        if rest.refused:
            self._lost(rest.refused, "unencodable")
        if rest.content:
            self._store.replace(batch, rest.content, rest.items)
        else:
            self._store.delete(batch)
        return rest.content

    def _pause(self, asked: float | None) -> None:
        self._failures += 1
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        # Jitter, so that not all processes retry at once.
        pause *= _RANDOM.uniform(0.8, 1.0)
        now, asked = time.monotonic(), min(asked or 0.0, LONGEST_WAIT)
        self._retry_at, self._asked_until = now + max(pause, asked), now + asked

"""Counts lost items per exporter and reason; prints a summary at once, then at most once a minute.

A failing exporter logs an error with every batch (opentelemetry-python#4688). Here that error becomes the cause in one
summary line.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

from distrokit.declarations import Signal
from distrokit.diagnostics import one_line, quantity
from distrokit.lazy.entry_point_files import find_attached
from distrokit.pipeline.loss_words import (
    EXPLAINED_REASONS,
    INTERVAL,
    UNITS,
    describe_duration,
    describe_reason,
    host_and_port,
    shorten_cause,
)
from distrokit.pipeline.self_metrics import SelfMetrics

#: Seconds to wait for another thread that prints.
_PRINT_TIMEOUT = 0.5


class Losses:
    """The loss counter of one exporter in one process; a forked child starts at zero.

    Its methods run in the application's threads, in signal handlers and in forked children. So it prints only after it
    has released its lock.

    Args:
        name: exporter and signal: ``otlp traces``.
        where: host and port of the receiver; empty if unknown.
        unit: of lost items, in the singular.
        say: prints a line.
        causes: the last cause by destination, shared by all loss counters: an exporter does not repeat an error that
            it logged less than a minute ago for another signal.
        clock: returns seconds.

    Attributes:
        self_metrics: also count the losses; ``None`` if they are not enabled.
    """

    def __init__(
        self,
        name: str,
        where: str,
        unit: str,
        say: Callable[[str], None],
        causes: dict[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._where, self._unit = name, where, unit
        self._say, self._clock = say, clock
        self._causes, self._destination = causes, where or name
        self.self_metrics: SelfMetrics | None = None
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        # Reentrant, since a log handler that prints a line may record telemetry.
        self._lock, self._print_lock = threading.RLock(), threading.RLock()
        self._absorbing = False
        self._drops: deque[tuple[int, str, str]] = deque()
        self._totals: Counter[str] = Counter()
        self._batches = 0
        self._reasons: Counter[str] = Counter()
        # During shutdown losses are collected; after it they are printed at once.
        self._shutdown = self._finished = False
        self._outage_start: float | None = None
        self._last_print: float | None = None
        self._retry_printed = False

    def record_failure(self, items: int, cause: str) -> bool:
        """Count a batch whose export failed and is not retried, and print the losses.

        Args:
            cause: the exporter's error; empty if there is none.

        Returns: true if nothing was printed, since the last line is less than a minute old.
        """
        self.add(items, "failed", cause)
        return self.print_losses()

    def add(self, items: int, reason: str, cause: str = "") -> None:
        """Count lost items; they are printed with the next export, or at shutdown.

        It prints nothing, since the application's thread may call it once per item.

        Args:
            reason: a :data:`~distrokit.export.LossReason`, or a few words.
            cause: the receiver's or the exporter's error; empty if there is none.
        """
        self._reset_after_fork()
        # Without waiting for the lock: a signal handler may interrupt these lines and call this method.
        self._drops.append((items, reason, cause))
        if self._lock.acquire(blocking=False):
            try:
                self._absorb()
            finally:
                self._lock.release()
        if self.self_metrics is not None:
            self.self_metrics.add_dropped(items, reason)

    @property
    def totals(self) -> Counter[str]:
        """The number of lost items in this process, by reason."""
        self._reset_after_fork()
        with self._lock:
            self._absorb()
            return Counter(self._totals)

    def _absorb(self) -> None:
        """Add the queued losses to the counters, with the lock held; not while a caller up the stack does so."""
        if self._absorbing:
            return
        self._absorbing = True
        while self._drops:
            items, reason, cause = self._drops.popleft()
            self._reasons[reason] += items
            self._totals[reason] += items
            if reason == "failed":
                self._batches += 1
                self._outage_start = self._clock() if self._outage_start is None else self._outage_start
            # The cause of "too_large" has the name of an item, which may match any pattern.
            self._set_cause(cause, shorten=reason != "too_large")
        self._absorbing = False

    def print_losses(self) -> bool:
        """Print the losses; return true if that has to wait, since a line was printed lately or during shutdown."""
        self._reset_after_fork()
        with self._printing():
            with self._lock:
                wait = (self._printed_lately or self._shutdown) and not self._finished
                line = "" if wait else self._line()
            self._print([line])
        return wait

    def record_retry(self, items: int, cause: str) -> None:
        """Print once per outage that a batch is queued for retry."""
        self._reset_after_fork()
        with self._printing():
            with self._lock:
                self._outage_start = self._clock() if self._outage_start is None else self._outage_start
                self._set_cause(cause)
                lines = [self._line()] if not self._printed_lately else []
                if not self._retry_printed and not self._shutdown and not self._printed_lately:
                    self._retry_printed, first, self._last_print = True, self._last_print is None, self._clock()
                    lines.append(
                        f"{self._name}: {self._cause()}; {quantity(items, self._unit)} queued for retry."
                        f"{self._hint(first=first)}"
                    )
            self._print(lines)

    def record_success(self) -> None:
        """Note that a batch arrived; print once that export recovered."""
        if self._outage_start is None and not self._reasons and not self._drops:
            return
        self._reset_after_fork()
        with self._printing():
            with self._lock:
                self._absorb()
                since, self._outage_start = self._outage_start, None
                # The losses of a short outage, a minute after the last line.
                lines = [] if self._printed_lately else [self._line()]
                # A receiver that accepts some batches and refuses others has not recovered each time.
                long = since is not None and self._clock() - since >= INTERVAL
                if self._retry_printed or long:
                    lines = [self._line() if long else "", *lines, f"{self._name}: export recovered"]
                    self._retry_printed = False
                if not self._reasons:
                    self._causes.pop(self._destination, None)
            self._print(lines)

    def begin_shutdown(self) -> None:
        """Print no more retries, and leave the losses to :meth:`finish`."""
        self._shutdown = True

    def finish(self) -> None:
        """Print the remaining losses, and later ones at once."""
        self._reset_after_fork()
        with self._printing():
            with self._lock:
                self._finished = True
                line = self._line()
            self._print([line])

    @contextlib.contextmanager
    def _printing(self) -> Iterator[None]:
        """Print one line at a time; so :meth:`finish` returns after another thread has printed its line.

        The wait is short, since that thread may be the main one and interrupted by a signal handler.
        """
        lock = self._print_lock
        acquired = lock.acquire(timeout=_PRINT_TIMEOUT)
        try:
            yield
        finally:
            if acquired:
                lock.release()

    def _reset_after_fork(self) -> None:
        # The parent prints its own losses, and its lock may have been held when it forked.
        if self._pid != os.getpid():
            self._reset()

    @property
    def _printed_lately(self) -> bool:
        return self._last_print is not None and self._clock() - self._last_print < INTERVAL

    def _set_cause(self, cause: str, *, shorten: bool = True) -> None:
        if cause:
            self._causes[self._destination] = shorten_cause(cause, self._where) if shorten else one_line(cause, 300)

    def _print(self, lines: list[str]) -> None:
        for line in filter(None, lines):
            self._say(line)

    def _line(self) -> str:
        """Return the line about the losses since the last one; empty if there are none."""
        self._absorb()
        if not self._reasons:
            return ""
        now, reasons = self._clock(), self._reasons
        first, batches = self._last_print is None, self._batches
        when = ""
        if self._last_print is not None and batches != 1:
            when = f" in the last {describe_duration(now - self._last_print)}"
        lost = quantity(sum(reasons.values()), self._unit)
        if set(reasons) == {"failed"}:
            text = f"{quantity(batches, 'batch', 'batches')}, {lost} lost{when}"
        elif not sum(reasons.values()):
            text = ", ".join(map(describe_reason, reasons))
        elif len(reasons) == 1:
            text = f"{lost} lost{when}, {describe_reason(next(iter(reasons)))}"
        else:
            parts = (f"{number:,} {describe_reason(reason)}" for reason, number in reasons.most_common())
            text = f"{lost} lost{when} ({', '.join(parts)})"
        cause = self._cause(must="failed" in reasons) if EXPLAINED_REASONS & set(reasons) else ""
        self._last_print, self._batches, self._reasons = now, 0, Counter()
        # Doctor looks at the way to the receiver, not at items.
        hint = self._hint(first=first and bool(cause) and set(reasons) != {"unencodable"})
        return f"{self._name}: {text}{': ' if cause else ''}{cause}.{hint}"

    def _cause(self, *, must: bool = True) -> str:
        """Return the last cause; if there is none, an empty text, or with ``must`` a placeholder."""
        return self._causes.get(self._destination, "the exporter does not say why" if must else "").rstrip(".")

    def _hint(self, *, first: bool) -> str:
        # An application with a folder in front of it does not have the command.
        command = "python -m distrokit doctor" if find_attached() else "distrokit doctor"
        return f" Run `{command}` to see why." if first else ""


def losses_of(
    exporter: str, signal: Signal, endpoint: object, say: Callable[[str], None], causes: dict[str, str]
) -> Losses:
    """Return the loss counter of an exporter for one signal and endpoint."""
    return Losses(f"{exporter} {signal}", host_and_port(endpoint), UNITS[signal], say, causes)

"""What did not arrive: counted per exporter and reason, said at once and then at most once a minute.

An exporter that fails says so with every batch, in its own words (opentelemetry-python#4688). Here its words are
the cause of one line that sums up.
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
from distrokit.pipeline.loss_words import INTERVAL, OF_THE_RECEIVER, UNITS, host_and_port, in_short, in_words, span
from distrokit.pipeline.self_metrics import SelfMetrics

#: Seconds.
_TURN = 0.5


class Losses:
    """The tally of one exporter, in one process: a child of a fork begins with its own.

    It is asked while the application's own code runs, in threads, in signal handlers and in children of a fork.
    So nothing is printed while its lock is held.

    Args:
        name: of exporter and signal: ``otlp traces``.
        where: host and port it sends to; empty when that is not known.
        unit: of what is lost, in the singular.
        say: prints a line.
        causes: the last cause by place, shared by all tallies: exporters leave out what they said a minute
            ago, be it for another signal.
        clock: seconds.

    Attributes:
        self_metrics: count as well; ``None`` where they are not asked for.
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
        self._causes, self._place = causes, where or name
        self.self_metrics: SelfMetrics | None = None
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        # What a line is printed on may call back.
        self._lock, self._saying = threading.RLock(), threading.RLock()
        self._absorbing = False
        self._drops: deque[tuple[int, str, str]] = deque()
        self._totals: Counter[str] = Counter()
        self._batches = 0
        self._reasons: Counter[str] = Counter()
        # The end has begun: what is lost is said when it is over, and then at once.
        self._shutdown = self._finished = False
        # When the outage under way began, when the last line was said, and whether there was one about waiting.
        self._since: float | None = None
        self._told: float | None = None
        self._waiting_told = False

    def lost(self, items: int, cause: str) -> bool:
        """A batch did not arrive, and is not tried again.

        Args:
            cause: what the exporter said; empty when it said nothing.

        Returns: whether that was said a short while ago.
        """
        self.dropped(items, "failed", cause)
        return self.tell()

    def dropped(self, items: int, reason: str, cause: str = "") -> None:
        """Items are lost for another reason than that an export failed; said with the next export, or at the end.

        Nothing is printed here: this may be the application's thread, once for every item.

        Args:
            reason: a :data:`~distrokit.export.LossReason`, or a few words.
            cause: what the receiver said; empty when it said nothing.
        """
        self._mine()
        # Not waited for: this may be a signal handler in the middle of these lines, or stop in the middle of them while
        # the handler's flush counts.
        self._drops.append((items, reason, cause))
        if self._lock.acquire(blocking=False):
            try:
                self._absorb()
            finally:
                self._lock.release()
        if self.self_metrics is not None:
            self.self_metrics.dropped(items, reason)

    @property
    def totals(self) -> Counter[str]:
        """What was lost in this process, by reason."""
        self._mine()
        with self._lock:
            self._absorb()
            return Counter(self._totals)

    def _absorb(self) -> None:
        """Sum up, with the lock held; not in the middle of doing so, further up this thread's stack."""
        if self._absorbing:
            return
        self._absorbing = True
        while self._drops:
            items, reason, cause = self._drops.popleft()
            self._reasons[reason] += items
            self._totals[reason] += items
            if reason == "failed":
                self._batches += 1
                self._since = self._clock() if self._since is None else self._since
            # This cause has the name of an item, which may look like anything.
            self._caused(cause, short=reason != "too_large")
        self._absorbing = False

    def tell(self) -> bool:
        """Say what was lost, unless something was said a short while ago, which is returned."""
        self._mine()
        with self._turn():
            with self._lock:
                lately = (self._lately or self._shutdown) and not self._finished
                line = "" if lately else self._line()
            self._say_all([line])
        return lately

    def waiting(self, items: int, cause: str) -> None:
        """A batch was not delivered, and is kept for another try."""
        self._mine()
        with self._turn():
            with self._lock:
                self._since = self._clock() if self._since is None else self._since
                self._caused(cause)
                lines = [self._line()] if not self._lately else []
                if not self._waiting_told and not self._shutdown and not self._lately:
                    self._waiting_told, first, self._told = True, self._told is None, self._clock()
                    lines.append(
                        f"{self._name}: {self._cause()}; {quantity(items, self._unit)} kept for another try, "
                        f"and what comes, as long as there is room.{self._hint(first=first)}"
                    )
            self._say_all(lines)

    def delivered(self) -> None:
        """A batch arrived."""
        if self._since is None and not self._reasons and not self._drops:
            return
        self._mine()
        with self._turn():
            with self._lock:
                self._absorb()
                since, self._since = self._since, None
                # What was lost in an outage that was short, once its minute is over.
                lines = [] if self._lately else [self._line()]
                # A receiver that takes some and refuses some is no news with every batch.
                long = since is not None and self._clock() - since >= INTERVAL
                if self._waiting_told or long:
                    lines = [self._line() if long else "", *lines, f"{self._name}: the receiver takes data again"]
                    self._waiting_told = False
                if not self._reasons:
                    self._causes.pop(self._place, None)
            self._say_all(lines)

    def begin_end(self) -> None:
        """The process ends: what waits from here on is no news, and what is lost is said once, by :meth:`finish`."""
        self._shutdown = True

    def finish(self) -> None:
        """Say what was not said yet, and from here on at once."""
        self._mine()
        with self._turn():
            with self._lock:
                self._finished = True
                line = self._line()
            self._say_all([line])

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Lines are said one after the other; :meth:`finish` does not return before another thread has said its own.

        Not waited for long: that thread may be the main one, in the middle of a signal handler.
        """
        saying = self._saying
        mine = saying.acquire(timeout=_TURN)
        try:
            yield
        finally:
            if mine:
                saying.release()

    def _mine(self) -> None:
        # What the parent lost is the parent's to say, and its lock may have been held when it forked.
        if self._pid != os.getpid():
            self._reset()

    @property
    def _lately(self) -> bool:
        return self._told is not None and self._clock() - self._told < INTERVAL

    def _caused(self, cause: str, *, short: bool = True) -> None:
        if cause:
            self._causes[self._place] = in_short(cause, self._where) if short else one_line(cause, 300)

    def _say_all(self, lines: list[str]) -> None:
        for line in filter(None, lines):
            self._say(line)

    def _line(self) -> str:
        """What was lost since the last line; empty when nothing was."""
        self._absorb()
        if not self._reasons:
            return ""
        now, reasons = self._clock(), self._reasons
        first, batches = self._told is None, self._batches
        when = "" if self._told is None or batches == 1 else f" in the last {span(now - self._told)}"
        lost = quantity(sum(reasons.values()), self._unit)
        if set(reasons) == {"failed"}:
            text = f"{quantity(batches, 'batch', 'batches')}, {lost} lost{when}"
        elif not sum(reasons.values()):
            text = ", ".join(map(in_words, reasons))
        elif len(reasons) == 1:
            text = f"{lost} lost{when}, {in_words(next(iter(reasons)))}"
        else:
            parts = (f"{number:,} {in_words(reason)}" for reason, number in reasons.most_common())
            text = f"{lost} lost{when} ({', '.join(parts)})"
        cause = self._cause(must="failed" in reasons) if OF_THE_RECEIVER & set(reasons) else ""
        self._told, self._batches, self._reasons = now, 0, Counter()
        return f"{self._name}: {text}{': ' if cause else ''}{cause}.{self._hint(first=first and bool(cause))}"

    def _cause(self, *, must: bool = True) -> str:
        """The last one that was given; ``must``: say so when there was none."""
        return self._causes.get(self._place, "the exporter does not say why" if must else "").rstrip(".")

    def _hint(self, *, first: bool) -> str:
        return " Run `distrokit doctor` to see why." if first else ""


def losses_of(
    exporter: str, signal: Signal, endpoint: object, say: Callable[[str], None], causes: dict[str, str]
) -> Losses:
    """The tally of an exporter by its name, its signal and its endpoint."""
    return Losses(f"{exporter} {signal}", host_and_port(endpoint), UNITS[signal], say, causes)

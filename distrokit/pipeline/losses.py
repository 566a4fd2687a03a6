"""What did not arrive: counted per exporter, said at once and then at most once a minute.

An exporter that fails says so with every batch, in its own words (opentelemetry-python#4688). Here its words are
the cause of one line that sums up.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from distrokit.declarations import Signal
from distrokit.diagnostics import one_line, quantity

#: Seconds between two lines about one exporter.
INTERVAL = 60.0

_UNITS: dict[Signal, str] = {"traces": "span", "metrics": "data point", "logs": "log record"}

#: What exporters say, in many words; what it means; whether it is about the place that is sent to.
_CAUSES = (
    (re.compile(r"proxy", re.IGNORECASE), "the proxy did not let it through", False),
    (re.compile(r"connection refused", re.IGNORECASE), "connection refused", True),
    (
        re.compile(r"name or service not known|name resolution|DNS resolution|nodename nor|no address", re.IGNORECASE),
        "the name cannot be resolved",
        True,
    ),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), "its certificate was not accepted", True),
    (re.compile(r"timed out|DEADLINE_EXCEEDED", re.IGNORECASE), "no answer in time", True),
)


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
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._batches = self._items = 0
        self._finished = False
        # When the outage under way began, and when the last line was said.
        self._since: float | None = None
        self._told: float | None = None

    def lost(self, items: int, cause: str) -> bool:
        """A batch did not arrive.

        Args:
            cause: what the exporter said; empty when it said nothing.

        Returns: whether that was said a short while ago.
        """
        self._mine()
        with self._lock:
            self._batches += 1
            self._items += items
            self._since = self._clock() if self._since is None else self._since
            if cause:
                self._causes[self._place] = self._in_short(cause)
            lately = not self._finished and self._told is not None and self._clock() - self._told < INTERVAL
            line = "" if lately else self._line()
        if line:
            self._say(line)
        return lately

    def delivered(self) -> None:
        """A batch arrived."""
        if self._since is None and not self._batches:
            return
        self._mine()
        lines: list[str] = []
        with self._lock:
            since, self._since = self._since, None
            if since is None and self._told is not None and self._clock() - self._told >= INTERVAL:
                # What was lost in an outage that was short, once its minute is over.
                lines = [self._line()]
            # A receiver that takes some and refuses some is no news with every batch.
            if since is not None and self._clock() - since >= INTERVAL:
                lines = [self._line(), f"{self._name}: the receiver takes data again"]
            if not self._batches:
                self._causes.pop(self._place, None)
        for line in filter(None, lines):
            self._say(line)

    def finish(self) -> None:
        """Say what was not said yet, and from here on at once."""
        self._mine()
        with self._lock:
            self._finished = True
            line = self._line()
        if line:
            self._say(line)

    def _mine(self) -> None:
        # What the parent lost is the parent's to say, and its lock may have been held when it forked.
        if self._pid != os.getpid():
            self._reset()

    def _line(self) -> str:
        """What was lost since the last line; empty when nothing was."""
        if not self._batches:
            return ""
        now = self._clock()
        first = self._told is None
        when = "" if self._told is None or self._batches == 1 else f" in the last {_span(now - self._told)}"
        lost = f"{quantity(self._batches, 'batch', 'batches')}, {quantity(self._items, self._unit)}"
        cause = self._causes.get(self._place, "the exporter does not say why").rstrip(".")
        self._told, self._batches, self._items = now, 0, 0
        return f"{self._name}: {lost} lost{when}: {cause}." + (" Run `distrokit doctor` to see why." if first else "")

    def _in_short(self, text: str) -> str:
        for pattern, meaning, there in _CAUSES:
            if pattern.search(text):
                return f"{meaning} at {self._where}" if there and self._where else meaning
        return one_line(text, 300)


def losses_of(
    exporter: str, signal: Signal, endpoint: object, say: Callable[[str], None], causes: dict[str, str]
) -> Losses:
    """The tally of an exporter by its name, its signal and its endpoint."""
    return Losses(f"{exporter} {signal}", _host_and_port(endpoint), _UNITS[signal], say, causes)


def _host_and_port(endpoint: object) -> str:
    """Of an endpoint; empty when it has none."""
    text = str(endpoint or "")
    try:
        return urlsplit(text if "://" in text else f"//{text}").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _span(seconds: float) -> str:
    if INTERVAL <= seconds < 2 * INTERVAL:
        return "minute"
    return f"{seconds / 60:.0f} minutes" if seconds >= INTERVAL else f"{max(1, round(seconds))} s"

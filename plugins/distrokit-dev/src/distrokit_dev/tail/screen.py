"""Prints items for people: traces and log records as they complete, metrics as a table."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from distrokit_dev.received import Item, ReceivedLog, ReceivedPoint, ReceivedSpan
from distrokit_dev.tail.filters import Filters
from distrokit_dev.tail.metrics import Metrics
from distrokit_dev.tail.show_log import show_log
from distrokit_dev.tail.show_metrics import show_metrics
from distrokit_dev.tail.show_trace import show_trace
from distrokit_dev.tail.totals import Totals
from distrokit_dev.tail.traces import Part, Traces
from distrokit_dev.tail.typeface import Typeface

#: Columns without a terminal.
_WIDTH = 80

#: Seconds between two printed tables, and between two updates of a live table.
_BETWEEN_TABLES, _BETWEEN_DRAWINGS = 5.0, 0.25

#: Seconds to collect changes before a table is printed.
_GATHERING = 1.0


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would exit the process.
        raise BrokenPipeError


def console_for(stream: TextIO) -> Console:
    """Return a console for a stream, with the width of the terminal, else of ``COLUMNS``, else 80."""
    columns = os.environ.get("COLUMNS", "")
    # rich would use the width of any terminal, even of stdin's.
    width = None if stream.isatty() else int(columns) if columns.isdecimal() and int(columns) else _WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


class Screen:
    """Prints the items that pass the filters.

    Args:
        traces: collects spans into traces.
        live: redraw the table of metrics at the bottom, only for a terminal that no other program writes to. If false,
            print a table of changed series from time to time.

    Raises: ``BrokenPipeError`` from any method if the output is closed.
    """

    def __init__(
        self, console: Console, typeface: Typeface, filters: Filters, totals: Totals, traces: Traces, *, live: bool
    ) -> None:
        self._console, self._typeface = console, typeface
        self._filters, self._totals, self._traces = filters, totals, traces
        self._metrics = Metrics()
        self._live = Live(console=console, auto_refresh=False, transient=True) if live else None
        self._next_table = 0.0
        self._gathering = False

    def add(self, item: Item, now: float) -> None:
        """Add an item; print it at once, or with its trace."""
        if isinstance(item, ReceivedPoint):
            if self._passes(item, "metric point"):
                self._metrics.add(item)
        elif "traces" not in self._filters.signals:
            self._by_itself(item)
        elif isinstance(item, ReceivedSpan) or (item.trace_id and "logs" in self._filters.signals):
            self._traces.add(item, now)
        else:
            self._by_itself(item)

    def tick(self, now: float) -> None:
        """Print complete traces and changed metrics."""
        self._show(self._traces.complete(now))
        if not self._metrics.changed or now < self._next_table:
            return
        if self._live is not None:
            self._draw(self._live)
            self._next_table = now + _BETWEEN_DRAWINGS
        elif self._gathering:
            self._print_metrics(show_metrics(self._metrics.news(), 0, self._width, self._typeface))
            self._next_table, self._gathering = now + _BETWEEN_TABLES, False
        else:
            self._next_table, self._gathering = now + _GATHERING, True

    def finish(self) -> None:
        """Print all remaining traces, and the final table of metrics."""
        self._show(self._traces.rest())
        self.close()
        if len(self._metrics):
            table = show_metrics(self._metrics.latest(), self._metrics.left_out, self._width, self._typeface)
            self._print_metrics(table)

    def close(self) -> None:
        """Remove the live table, and show the cursor."""
        if self._live is not None:
            self._live.stop()

    @property
    def _width(self) -> int:
        return max(20, self._console.width)

    def _show(self, parts: Iterable[Part]) -> None:
        for part in parts:
            follows = part.shown_before
            shown = bool(part.spans) and (follows or self._filters.passes_trace(part.spans))
            if shown:
                self._print([Text(), *show_trace(part, self._width, self._typeface)])
            else:
                self._totals.hidden["trace"] += bool(part.spans) and not part.continued
                for log in part.logs:
                    self._by_itself(log, anyway=follows)
            self._traces.remember(part, shown=shown or follows)

    def _by_itself(self, item: ReceivedLog | ReceivedSpan, *, anyway: bool = False) -> None:
        if isinstance(item, ReceivedSpan):
            self._totals.hidden["span"] += 1
        elif anyway or self._passes(item, "log record"):
            self._print([show_log(item, self._width, self._typeface)])

    def _passes(self, item: Item, what: str) -> bool:
        passes = self._filters.passes(item)
        self._totals.hidden[what] += not passes
        return passes

    def _draw(self, live: Live) -> None:
        self._metrics.news()
        rows = max(3, self._console.height // 3)
        series = self._metrics.latest(rows)
        unseen = len(self._metrics) - len(series) + self._metrics.left_out
        live.update(Group(Text(), *show_metrics(series, unseen, self._width - 1, self._typeface)))
        # start() writes to the terminal, so call it when there is a table.
        live.start()
        live.refresh()

    def _print_metrics(self, lines: list[Text]) -> None:
        self._print([Text(), *lines])

    def _print(self, lines: Iterable[Text]) -> None:
        self._console.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)

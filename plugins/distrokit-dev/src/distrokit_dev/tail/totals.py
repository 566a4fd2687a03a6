"""Counts received items by service."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator

from rich.cells import cell_len

from distrokit_dev.received import Item, ReceivedLog, ReceivedSpan, service_of
from distrokit_dev.tail.severity import is_error
from distrokit_dev.tail.typeface import Typeface, harmless

_COLUMNS = ("traces", "spans", "span errors", "logs", "log errors", "metric points")

#: Maximum number of services with their own row, and of traces remembered to count each once.
_MAX_SERVICES, _MAX_TRACES = 50, 20_000
_OTHERS = "(other services)"


class Totals:
    """Counts everything that arrives, whether it is shown or not.

    Attributes:
        hidden: number of items hidden by the filters, by kind.
    """

    def __init__(self) -> None:
        self.hidden: Counter[str] = Counter()
        self._all: Counter[str] = Counter()
        self._by_service: dict[str, Counter[str]] = {}
        self._traces: OrderedDict[tuple[str, str], None] = OrderedDict()

    def count(self, item: Item) -> None:
        """Count an item."""
        service = service_of(item)[:300]
        if service not in self._by_service and len(self._by_service) >= _MAX_SERVICES:
            service = _OTHERS
        counters = (self._all, self._by_service.setdefault(service, Counter()))
        if isinstance(item, ReceivedSpan):
            for counter, of in zip(counters, ("", service), strict=True):
                counter["traces"] += self._is_new(item.trace_id[:64], of)
                counter["spans"] += 1
                counter["span errors"] += item.status == "error"
            return
        for counter in counters:
            counter["logs" if isinstance(item, ReceivedLog) else "metric points"] += 1
            counter["log errors"] += isinstance(item, ReceivedLog) and is_error(item)

    @property
    def counts(self) -> Counter[str]:
        """Totals of all services: ``traces``, ``spans``, ``logs``, ``metric points``."""
        return self._all

    def lines(self, width: int, typeface: Typeface, dropped: int = 0) -> Iterator[str]:
        """Yield the lines of the final table.

        Args:
            dropped: number of requests dropped unread.
        """
        names = sorted(self._by_service)
        first = min(max(cell_len(harmless(name)) for name in [*names, "service"]), max(7, width - 61))
        for name, counter in [("service", None), *((name, self._by_service[name]) for name in names), ("", self._all)]:
            if counter is self._all and len(names) == 1:
                continue
            cells = [f"{column if counter is None else counter[column]:>{len(column)}}" for column in _COLUMNS]
            label = typeface.clean(name or ("all" if names else "nothing"), first)
            yield typeface.clean("  ".join([label + " " * (first - cell_len(label)), *cells]), width)
        if any(self.hidden.values()):
            parts = [
                f"{number} {what}{'' if number == 1 else 's'}" for what, number in sorted(self.hidden.items()) if number
            ]
            yield typeface.clean(f"Hidden by the filters: {', '.join(parts)}", width)
        if dropped:
            yield typeface.clean(f"Dropped, because too many arrived: {dropped} requests", width)

    def _is_new(self, trace_id: str, service: str) -> bool:
        key = (trace_id, service)
        new = key not in self._traces
        self._traces[key] = None
        self._traces.move_to_end(key)
        if len(self._traces) > _MAX_TRACES:
            self._traces.popitem(last=False)
        return new

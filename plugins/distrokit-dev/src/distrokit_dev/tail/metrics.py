"""The latest value of each metric."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from distrokit_dev.received import ReceivedPoint, service_of
from distrokit_dev.tail.typeface import as_text

#: Maximum characters kept of a text; the display is narrower.
_KEPT = 300

#: Maximum number of attributes kept of a point.
_MAX_ATTRIBUTES = 50


@dataclass(frozen=True)
class Series:
    """One metric of one service with one set of attributes: its latest point.

    Attributes:
        instance: the service instance id; empty if there is none.
        attributes: names and values, by name.
        count: of a histogram, else ``None``.
        value: as sent; of a histogram the average, ``None`` if it has no measurement.
    """

    service: str
    instance: str
    name: str
    attributes: tuple[tuple[str, str], ...]
    unit: str
    count: int | None
    value: float | None


_Key = tuple[str, str, tuple[tuple[str, str], ...], str, str]


class Metrics:
    """Keeps the latest point of each series, and which of them changed.

    Args:
        max_series: maximum number of series; the one that is longest without a point is left out.

    Attributes:
        left_out: number of series left out.
    """

    def __init__(self, max_series: int = 200) -> None:
        self.left_out = 0
        self._max_series = max_series
        # The latest is at the end.
        self._latest: OrderedDict[_Key, Series] = OrderedDict()
        self._changed: set[_Key] = set()

    def add(self, point: ReceivedPoint) -> None:
        """Add a point."""
        pairs = sorted(point.attributes.items())[:_MAX_ATTRIBUTES]
        series = Series(
            service_of(point)[:_KEPT],
            as_text(point.resource.get("service.instance.id"))[:_KEPT],
            point.name[:_KEPT],
            tuple((name[:_KEPT], as_text(value)[:_KEPT]) for name, value in pairs),
            point.unit[:_KEPT],
            None if point.kind in ("gauge", "sum") else point.count,
            point.value if point.kind in ("gauge", "sum") else point.value / point.count if point.count else None,
        )
        key = (series.service, series.name, series.attributes, point.scope.name[:_KEPT], series.instance)
        if self._latest.get(key) != series:
            self._changed.add(key)
        self._latest[key] = series
        self._latest.move_to_end(key)
        while len(self._latest) > self._max_series:
            self._changed.discard(self._latest.popitem(last=False)[0])
            self.left_out += 1

    @property
    def changed(self) -> bool:
        """True if a series changed since the last call of :meth:`news`."""
        return bool(self._changed)

    def news(self) -> list[Series]:
        """Return the series changed since the last call, by service, name and attributes."""
        keys, self._changed = sorted(self._changed), set()
        return [self._latest[key] for key in keys]

    def latest(self, limit: int | None = None) -> list[Series]:
        """Return the latest series, at most ``limit``, by service, name and attributes."""
        keys = list(self._latest)[-limit:] if limit else list(self._latest)
        return [self._latest[key] for key in sorted(keys)]

    def __len__(self) -> int:
        return len(self._latest)

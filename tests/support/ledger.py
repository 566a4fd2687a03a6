"""Keeps an exact account of what an OTLP receiver counted: a multiset of ids for each signal, and every request."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError, Message
from otlp_items import CUMULATIVE, DELTA, NO_ID, SERVICES, Point, Service, items

__all__ = ["CUMULATIVE", "DELTA", "NO_ID", "SERVICES", "Ledger", "Point", "Request", "Service"]


@dataclass
class Request:
    """One request, known from its head on; what comes later is filled in later.

    ``size`` is in bytes, uncompressed; ``time`` in seconds since 1970. ``signal`` is empty for a path that is not OTLP's.
    ``accepted`` says that items were counted, ``answered`` what the client was told: a status, or nothing yet.
    """

    signal: str
    target: str
    headers: dict[str, str]
    port: int = 0
    size: int = 0
    items: int = 0
    accepted: bool = False
    answered: str = ""
    message: Message | None = None
    time: float = field(default_factory=time.time)


class Ledger:
    """What was counted, once per time it was counted. Safe to use from any thread.

    Attributes:
        undecodable: how many requests were no HTTP, or no OTLP.
        incomplete: how many ended in the middle of their body.
        connections: how many were taken; stays 0 with grpc, which does not say.
    """

    # A list is copied in one step; the multisets are copied and changed under the lock.
    def __init__(self) -> None:
        self.undecodable = self.incomplete = self.connections = 0
        self._ids: dict[str, Counter[str]] = {signal: Counter() for signal in SERVICES}
        self._points: list[Point] = []
        self._requests: list[Request] = []
        self._resources: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    @property
    def spans(self) -> Counter[str]:
        """Times each id was counted."""
        return self.ids("traces")

    @property
    def logs(self) -> Counter[str]:
        """Times each id was counted."""
        return self.ids("logs")

    @property
    def points(self) -> list[Point]:
        """In order of arrival, with every copy."""
        return self._points.copy()

    @property
    def requests(self) -> list[Request]:
        """In order of arrival, with those that were refused."""
        return self._requests.copy()

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The different ones items were counted with, in order of arrival."""
        return self._resources.copy()

    def ids(self, signal: str) -> Counter[str]:
        """Times each id was counted."""
        with self._changed:
            return self._ids[signal].copy()

    def lost(self, expected_ids: Iterable[object], signal: str) -> list[str]:
        """Those of these ids that were never counted."""
        got = self.ids(signal)
        return [wanted for wanted in map(str, expected_ids) if wanted not in got]

    def duplicated(self, signal: str) -> dict[Any, int]:
        """Copies too many, for each id; for metrics, for each ``Point.key``."""
        counted = Counter(point.key for point in self.points) if signal == "metrics" else self.ids(signal)
        return {key: times - 1 for key, times in counted.items() if times > 1 and key != NO_ID}

    def total(self, name: str, **attributes: object) -> float:
        """What a backend would say a metric amounts to: over all series, the last cumulative value or all deltas.

        Of a histogram it is the sum of what was measured. Copies of a point count once.
        """
        series: dict[object, Point] = {}
        for point in self.points:
            if point.name == name and attributes.items() <= point.attributes.items():
                which = point.key if point.temporality == DELTA else point.series
                if which not in series or series[which].time <= point.time:
                    series[which] = point
        return sum(point.value for point in series.values())

    def wait_for(self, n: int, signal: str, seconds: float) -> bool:
        """Wait for ``n`` different ids, or ``n`` metric points; false when time is up."""
        counted = self._points if signal == "metrics" else self._ids[signal]
        with self._changed:
            return self._changed.wait_for(lambda: len(counted) >= n, seconds)

    def wait_for_requests(self, n: int, signal: str, seconds: float) -> bool:
        """Wait for ``n`` requests of a signal, counted or not; false when time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: sum(r.signal == signal for r in self._requests) >= n, seconds)

    def arrived(self, request: Request) -> None:
        """Note a request."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def failed(self, **counters: int) -> None:
        """Add to ``undecodable``, ``incomplete`` or ``connections``."""
        with self._changed:
            for name, more in counters.items():
                setattr(self, name, getattr(self, name) + more)

    def read(self, request: Request, body: bytes) -> list[str]:
        """Fill in a request from its uncompressed body; its ids, in order. Raises ``DecodeError``."""
        request.size = len(body)
        try:
            kind = SERVICES[request.signal].request
            if request.headers.get("content-type") == "application/json":
                # Its ids are hexadecimal, which passes for base64; nothing here reads them.
                request.message = Parse(body, kind())
            else:
                request.message = kind.FromString(body)
        except (DecodeError, ParseError) as error:
            self.failed(undecodable=1)
            raise DecodeError(str(error)) from error
        ids = [name for name, _, _ in items(request.signal, request.message)]
        request.items = len(ids)
        return ids

    def count(self, request: Request, rejected: int = 0) -> None:
        """Count the items of a request, but for the last ones."""
        kept = list(items(request.signal, request.message))[: max(0, request.items - rejected)]
        with self._changed:
            request.accepted = True
            for name, point, resource in kept:
                self._ids[request.signal][name] += 1
                if point:
                    self._points.append(point)
                if resource not in self._resources:
                    self._resources.append(resource)
            self._changed.notify_all()

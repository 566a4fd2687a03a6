"""Counts the items in OTLP requests. It walks over lengths and does not decode spans and log records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

#: Field numbers from a request to its spans or log records: the resource's group, the scope's group, the item.
_PATH = (1, 2, 2)
_SPAN_ID, _ATTRIBUTES = 2, 9
#: The counter whose measurements are added up.
_COUNTER = "orders"


def count_items(requests: Iterable[tuple[str, bytes]]) -> dict[str, float]:
    """Return how many items arrived.

    ``spans`` are different spans: one that arrived twice counts once. ``attributes`` is the smallest number of
    attributes of the first span in each request, ``sum`` what the counter was raised by, and ``points`` the largest
    number of its points in one request.
    """
    spans: set[bytes] = set()
    attributes: list[int] = []
    counts = {"logs": 0, "requests": 0, "bytes": 0}
    points: list[tuple[bool, float, int]] = []
    for signal, body in requests:
        counts["requests"] += 1
        counts["bytes"] += len(body)
        if signal == "metrics":
            points += _counter_points(body)
            continue
        items = list(_walk(body, 0, len(body), _PATH))
        if signal == "logs":
            counts["logs"] += len(items)
        elif items:
            spans.update(_span_id(body, *item) for item in items)
            attributes.append(sum(number == _ATTRIBUTES for number, _, _ in _fields(body, *items[0])))
    deltas = sum(value for is_delta, value, _ in points if is_delta)
    totals = max((value for is_delta, value, _ in points if not is_delta), default=0)
    most = max((number for *_, number in points), default=0)
    return {
        **counts,
        "spans": len(spans),
        "attributes": min(attributes, default=0),
        "sum": deltas + totals,
        "points": most,
    }


def _walk(body: bytes, start: int, end: int, path: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield where the messages at the end of the path begin and end."""
    first, *rest = path
    for number, begin, stop in _fields(body, start, end):
        if number == first:
            if rest:
                yield from _walk(body, begin, stop, tuple(rest))
            else:
                yield begin, stop


def _span_id(body: bytes, start: int, end: int) -> bytes:
    return next((body[begin:stop] for number, begin, stop in _fields(body, start, end) if number == _SPAN_ID), b"")


def _fields(body: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, begin and end of each field of a message."""
    while start < end:
        tag, start = _varint(body, start)
        kind = tag & 7
        if kind == 2:
            length, start = _varint(body, start)
        elif kind == 0:
            _, stop = _varint(body, start)
            length = stop - start
        else:
            length = 8 if kind == 1 else 4
        yield tag >> 3, start, start + length
        start += length


def _varint(body: bytes, start: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[start]
        start += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start
        shift += 7


def _counter_points(body: bytes) -> Iterator[tuple[bool, float, int]]:
    """Yield whether points are differences to the ones before, their sum and their number; few requests have any."""
    groups: Any = ExportMetricsServiceRequest.FromString(body).resource_metrics
    for metric in (metric for group in groups for scope in group.scope_metrics for metric in scope.metrics):
        if metric.name == _COUNTER:
            is_delta = metric.sum.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
            points = metric.sum.data_points
            yield is_delta, sum(point.as_int or point.as_double for point in points), len(points)

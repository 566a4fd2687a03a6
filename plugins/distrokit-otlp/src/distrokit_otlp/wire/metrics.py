"""Metrics as an OTLP request (``metrics.proto``), from the SDK's ``MetricsData``."""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, MetricsData, Sum

from distrokit_otlp.wire.format import (
    DOUBLE,
    FIXED64,
    LARGEST_SIGNED,
    SFIXED64,
    SMALLEST_SIGNED,
    count_field,
    delimited,
    varint,
    zigzag,
)
from distrokit_otlp.wire.repairs import Place, Repairs
from distrokit_otlp.wire.scopes import Scopes
from distrokit_otlp.wire.values import Attributes, Names, Values

_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")
_TIME = Place("the time of a data point")
_MEASUREMENT = Place("a measurement")


class MetricWriter:
    """Writes requests of metrics.

    Args:
        repairs: for values that cannot be sent.
    """

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs
        values = Values(repairs)
        self._scopes = Scopes(repairs, values)
        self._names, self._descriptions = (
            Names(repairs, b"\x0a", "a metric's name"),
            Names(repairs, b"\x12", "its text"),
        )
        self._units = Names(repairs, b"\x1a", "a unit")
        self._attributes = Attributes(values, b"\x3a")
        self._histogram_attributes, self._exponential_attributes = (
            Attributes(values, b"\x4a"),
            Attributes(values, b"\x0a"),
        )

    def __call__(self, data: MetricsData) -> bytes:
        """Return a request."""
        # As upstream: of equal resources, or of equal scopes of one resource, the last one counts.
        resources: dict[Any, dict[Any, bytes]] = {}
        for resource_metrics in data.resource_metrics:
            scopes = resources[resource_metrics.resource] = {}
            for scope_metrics in resource_metrics.scope_metrics:
                scopes[scope_metrics.scope] = b"".join(
                    [delimited(b"\x12", self._metric(metric)) for metric in scope_metrics.metrics]
                )
        return self._scopes.request(resources)

    def _metric(self, metric: Any) -> bytes:
        head = (
            self._names.write(metric.name)
            + self._descriptions.write(metric.description)
            + self._units.write(metric.unit)
        )
        data = metric.data
        points = data.data_points if hasattr(data, "data_points") else ()
        if isinstance(data, Gauge):
            return head + self._points(b"\x2a", points, self._number, gauge=True)
        if isinstance(data, Sum):
            tail = _temporality(data) + (b"\x18\x01" if data.is_monotonic else b"")
            return head + self._points(b"\x3a", points, self._number, tail)
        if isinstance(data, Histogram):
            return head + self._points(b"\x4a", points, self._histogram, _temporality(data))
        if isinstance(data, ExponentialHistogram):
            return head + self._points(b"\x52", points, self._exponential, _temporality(data))
        _logger.warning("a metric of type %s cannot be sent", type(data).__name__)
        return head

    def _points(
        self, tag: bytes, points: Iterable[Any], write: Callable[..., bytes], tail: bytes = b"", **options: bool
    ) -> bytes:
        """Return the data of a metric; nothing without points."""
        written = b"".join([delimited(b"\x0a", write(point, **options)) for point in points])
        return delimited(tag, written + tail) if written else b""

    def _number(self, point: Any, *, gauge: bool = False) -> bytes:
        # In the order of the fields: a float has the number 4, a whole number 6.
        number, whole = self._value(point.value, b"\x21", b"\x31")
        parts = [
            b"" if gauge else self._time(b"\x11", point.start_time_unix_nano),
            self._time(b"\x19", point.time_unix_nano),
            number,
        ]
        parts += [delimited(b"\x2a", exemplar) for exemplar in self._exemplars(point)]
        parts.append(whole)
        self._attributes.write(point.attributes, parts.append)
        return b"".join(parts)

    def _histogram(self, point: Any) -> bytes:
        parts = [*self._head(point)]
        counts, bounds = list(point.bucket_counts), list(point.explicit_bounds)
        if counts:
            parts.append(delimited(b"\x32", struct.pack(f"<{len(counts)}Q", *counts)))
        if bounds:
            parts.append(delimited(b"\x3a", struct.pack(f"<{len(bounds)}d", *bounds)))
        parts += [delimited(b"\x42", exemplar) for exemplar in self._exemplars(point)]
        self._histogram_attributes.write(point.attributes, parts.append)
        parts += [_optional(b"\x59", point.min), _optional(b"\x61", point.max)]
        return b"".join(parts)

    def _exponential(self, point: Any) -> bytes:
        parts: list[bytes] = []
        self._exponential_attributes.write(point.attributes, parts.append)
        parts += self._head(point)
        if point.scale:
            parts.append(b"\x30" + zigzag(point.scale))
        if point.zero_count:
            parts.append(b"\x39" + FIXED64(point.zero_count))
        parts += [_buckets(b"\x42", point.positive), _buckets(b"\x4a", point.negative)]
        parts.append(count_field(b"\x50", point.flags))
        parts += [delimited(b"\x5a", exemplar) for exemplar in self._exemplars(point)]
        parts += [_optional(b"\x61", point.min), _optional(b"\x69", point.max)]
        return b"".join(parts)

    def _head(self, point: Any) -> Iterable[bytes]:
        """Yield times, count and sum, which both kinds of histograms have at the same numbers."""
        yield self._time(b"\x11", point.start_time_unix_nano)
        yield self._time(b"\x19", point.time_unix_nano)
        if point.count:
            yield b"\x21" + FIXED64(point.count)
        yield _optional(b"\x29", point.sum)

    def _exemplars(self, point: Any) -> Iterable[bytes]:
        for exemplar in point.exemplars or ():
            span_id, trace_id = exemplar.span_id, exemplar.trace_id
            number, whole = self._value(exemplar.value, b"\x19", b"\x31")
            parts = [self._time(b"\x11", exemplar.time_unix_nano), number]
            if span_id is not None and trace_id is not None:
                parts += [b"\x22\x08", span_id.to_bytes(8, "big"), b"\x2a\x10", trace_id.to_bytes(16, "big")]
            parts.append(whole)
            self._attributes.write(exemplar.filtered_attributes, parts.append)
            yield b"".join(parts)

    def _value(self, value: Any, as_float: bytes, as_whole: bytes) -> tuple[bytes, bytes]:
        """Return the fields of a number, by the tag of each: a float, and a whole number; one of them is empty."""
        if isinstance(value, int):
            if SMALLEST_SIGNED <= value <= LARGEST_SIGNED:
                return b"", as_whole + SFIXED64(value)
            self._repairs.count("a number over 64 bits, sent as a float", _MEASUREMENT)
            try:
                value = float(value)
            except OverflowError:
                value = math.inf if value > 0 else -math.inf
        return as_float + DOUBLE(value), b""

    def _time(self, tag: bytes, value: Any) -> bytes:
        return self._repairs.time(tag, value, _TIME)


def _temporality(data: Any) -> bytes:
    value = int(data.aggregation_temporality)
    return b"\x10" + varint(value) if value else b""


def _optional(tag: bytes, value: Any) -> bytes:
    """Return a double that is sent even if it is zero; nothing for ``None``."""
    return b"" if value is None else tag + DOUBLE(value)


def _buckets(tag: bytes, buckets: Any) -> bytes:
    counts = buckets.bucket_counts
    if not counts:
        return b""
    offset = b"\x08" + zigzag(buckets.offset) if buckets.offset else b""
    return delimited(tag, offset + delimited(b"\x12", b"".join([varint(count) for count in counts])))

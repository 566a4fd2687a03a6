"""Metrics as an OTLP request (``metrics.proto``), from the SDK's ``MetricsData``."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, MetricsData, Sum

from distrokit_otlp.wire.format import DOUBLE, FIXED64, SFIXED64, delimited, varint, zigzag
from distrokit_otlp.wire.repairs import Place, Repairs
from distrokit_otlp.wire.scopes import Scopes
from distrokit_otlp.wire.values import Attributes, Names, Values

_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1

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
                scope = scope_metrics.scope
                metrics = b"".join([delimited(b"\x12", self._metric(metric)) for metric in scope_metrics.metrics])
                scopes[scope] = self._scopes.scope(scope) + metrics + self._scopes.schema_url(scope)
        levels = []
        for resource, contents in resources.items():
            inner = b"".join([delimited(b"\x12", content) for content in contents.values()])
            level = self._scopes.resource(resource) + inner + self._scopes.schema_url(resource)
            levels.append(delimited(b"\x0a", level))
        return b"".join(levels)

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
        value = point.value
        # The order of the fields: a double has the number 4, a whole number 6.
        whole = isinstance(value, int) and _SMALLEST <= value <= _LARGEST
        parts = [
            b"" if gauge else self._time(b"\x11", point.start_time_unix_nano),
            self._time(b"\x19", point.time_unix_nano),
        ]
        if not whole:
            parts.append(b"\x21" + self._double(value))
        parts += [delimited(b"\x2a", exemplar) for exemplar in self._exemplars(point)]
        if whole:
            parts.append(b"\x31" + SFIXED64(value))
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
        if point.flags:
            parts.append(b"\x50" + varint(self._repairs.count32(point.flags)))
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
            value, span_id, trace_id = exemplar.value, exemplar.span_id, exemplar.trace_id
            whole = isinstance(value, int) and _SMALLEST <= value <= _LARGEST
            parts = [self._time(b"\x11", exemplar.time_unix_nano)]
            if not whole:
                parts.append(b"\x19" + self._double(value))
            if span_id is not None and trace_id is not None:
                parts += [b"\x22\x08", span_id.to_bytes(8, "big"), b"\x2a\x10", trace_id.to_bytes(16, "big")]
            if whole:
                parts.append(b"\x31" + SFIXED64(value))
            self._attributes.write(exemplar.filtered_attributes, parts.append)
            yield b"".join(parts)

    def _double(self, value: Any) -> bytes:
        if isinstance(value, int):
            self._repairs.count("a number over 64 bits, sent as a float", _MEASUREMENT)
            return (
                DOUBLE(float("inf") if value > 0 else float("-inf")) if abs(value) > 1 << 1023 else DOUBLE(float(value))
            )
        return DOUBLE(value)

    def _time(self, tag: bytes, value: Any) -> bytes:
        nanos = self._repairs.nanos(value, _TIME)
        return tag + FIXED64(nanos) if nanos else b""


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

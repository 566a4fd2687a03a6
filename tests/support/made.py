"""Items of each signal as an exporter takes them, each with an attribute ``id``; what is not about their values."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

RESOURCE = Resource({"service.instance.id": "me"})
SIGNALS = ("traces", "metrics", "logs")


def made(signal: str, ids: Iterable[object], padding: dict[object, int] | int = 0) -> Any:
    """A list of spans or log records, or a collection of points.

    Args:
        padding: how many bytes each is larger than it need be; or how many the items of these ids are.
    """
    more = padding if isinstance(padding, dict) else None
    attributes = [{"id": str(i), "padding": "x" * (padding if more is None else more.get(i, 0))} for i in ids]
    return {"traces": _spans, "metrics": _points, "logs": _records}[signal](attributes)


def _spans(all_attributes: list[dict[str, Any]]) -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for attributes in all_attributes:
        provider.get_tracer("made").start_span("a span", attributes=attributes).end()
    return list(memory.get_finished_spans())


def _records(all_attributes: list[dict[str, Any]]) -> Any:
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    for attributes in all_attributes:
        provider.get_logger("made").emit(body="a record", attributes=attributes)
    return list(memory.get_finished_logs())


def _points(all_attributes: list[dict[str, Any]]) -> MetricsData:
    """In two metrics of two scopes, where there are enough."""
    middle = (len(all_attributes) + 1) // 2
    parts = [part for part in (all_attributes[:middle], all_attributes[middle:]) if part]
    scopes = [
        ScopeMetrics(InstrumentationScope(f"made {n}"), [_metric(f"metric {n}", part)], "")
        for n, part in enumerate(parts)
    ]
    return MetricsData([ResourceMetrics(RESOURCE, scopes, "")] if scopes else [])


def _metric(name: str, all_attributes: list[dict[str, Any]]) -> Metric:
    now = time.time_ns()
    points = [NumberDataPoint(attributes, now, now, 1) for attributes in all_attributes]
    return Metric(name, "", "1", Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True))

"""Exporters that keep their items in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import metric_arguments
from distrokit.declarations import ExporterOptions, Signal
from distrokit.testing.from_sdk import log_of, points_of, span_of
from distrokit.testing.items import Log, Metric, Span


class MemorySpanExporter(SpanExporter):
    """Keeps the spans of one exporter; a forked child starts empty."""

    def __init__(self) -> None:
        self._kept: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._kept.extend(spans)
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        """Keep the items: they are read after the shutdown."""

    def forked(self) -> None:
        """Forget the parent's items in a forked child."""
        self._kept = []

    def items(self) -> list[Span]:
        """Return the items in order of arrival."""
        return [span_of(span) for span in list(self._kept)]


class MemoryLogRecordExporter(LogRecordExporter):
    """Keeps the log records of one exporter; a forked child starts empty."""

    def __init__(self) -> None:
        self._kept: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self._kept.extend(batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return true, as nothing is queued; part of the interface since 1.45."""
        return True

    def shutdown(self) -> None:
        """Keep the items: they are read after the shutdown."""

    def forked(self) -> None:
        """Forget the parent's items in a forked child."""
        self._kept = []

    def items(self) -> list[Log]:
        """Return the items in order of arrival."""
        return [log_of(record) for record in list(self._kept)]


class MemoryMetricExporter(MetricExporter):
    """Keeps the metrics of one exporter, with the temporality and aggregation of the exporter that it replaces."""

    def __init__(self, **preferences: Any) -> None:
        super().__init__(**preferences)
        self._kept: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self._kept.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Keep the items: they are read after the shutdown."""

    def forked(self) -> None:
        """Forget the parent's items in a forked child."""
        self._kept = []

    def items(self) -> list[Metric]:
        """Return every data point in order of arrival."""
        return [point for data in list(self._kept) for point in points_of(data)]


def make_exporter(options: ExporterOptions) -> Any:
    """Make an exporter for ``options.signal`` that keeps its items."""
    makers: dict[Signal, Any] = {
        "traces": MemorySpanExporter,
        "logs": MemoryLogRecordExporter,
        "metrics": lambda: MemoryMetricExporter(**metric_arguments(options.arguments)),
    }
    return makers[options.signal]()


def make_processor(exporter: Any, signal: Signal | None) -> Any:
    """Make a processor that exports at once; for metrics a reader that exports on flush."""
    if signal == "traces":
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(exporter)
    if signal == "logs":
        from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

        return SimpleLogRecordProcessor(exporter)
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    # An infinite interval starts no thread.
    return PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))

"""Exporters that keep what they are given."""

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


class SpansKept(SpanExporter):
    """Of one exporter's name; what a parent process has got is not a child's."""

    def __init__(self) -> None:
        self._kept: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._kept.extend(spans)
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        """What is kept stays."""

    def forked(self) -> None:
        """In a child, nothing is here yet."""
        self._kept = []

    def items(self) -> list[Span]:
        """What came, in order of arrival."""
        return [span_of(span) for span in list(self._kept)]


class LogsKept(LogRecordExporter):
    """As :class:`SpansKept`."""

    def __init__(self) -> None:
        self._kept: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self._kept.extend(batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits; part of the interface since 1.45."""
        return True

    def shutdown(self) -> None:
        """What is kept stays."""

    def forked(self) -> None:
        """In a child, nothing is here yet."""
        self._kept = []

    def items(self) -> list[Log]:
        """What came, in order of arrival."""
        return [log_of(record) for record in list(self._kept)]


class MetricsKept(MetricExporter):
    """As :class:`SpansKept`; temporality and aggregation are those of the exporter whose place it takes."""

    def __init__(self, **preferences: Any) -> None:
        super().__init__(**preferences)
        self._kept: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self._kept.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """What is kept stays."""

    def forked(self) -> None:
        """In a child, nothing is here yet."""
        self._kept = []

    def items(self) -> list[Metric]:
        """Every point that came, in order of arrival."""
        return [point for data in list(self._kept) for point in points_of(data)]


def keeping(options: ExporterOptions) -> Any:
    """An exporter of ``options.signal`` that keeps."""
    makers: dict[Signal, Any] = {
        "traces": SpansKept,
        "logs": LogsKept,
        "metrics": lambda: MetricsKept(**metric_arguments(options.arguments)),
    }
    return makers[options.signal]()


def feeding(exporter: Any, signal: Signal | None) -> Any:
    """What feeds an exporter at once; metrics when they are asked for."""
    if signal == "traces":
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(exporter)
    if signal == "logs":
        from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

        return SimpleLogRecordProcessor(exporter)
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    # Without an interval there is no thread.
    return PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))

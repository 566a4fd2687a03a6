"""The exporters of the three signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from azure_example.envelopes import Envelopes
from azure_example.ingestion import Ingestion
from distrokit import ExporterOptions, ExportFailure, Signal, metric_arguments


def make(options: ExporterOptions) -> Spans | Logs | Metrics:
    """The one of ``options.signal``."""
    envelopes = Envelopes(options.arguments["instrumentation_key"], options.user_agent)
    kinds: dict[Signal, type[Spans | Logs | Metrics]] = {"traces": Spans, "logs": Logs, "metrics": Metrics}
    return kinds[options.signal](Ingestion(options), envelopes, options)


class Spans(SpanExporter):
    """``attempt`` is asked by distrokit's processors and by the spool, ``export`` by anybody else's."""

    def __init__(self, way: Ingestion, envelopes: Envelopes, options: ExporterOptions) -> None:
        self._way, self._envelopes, self._seconds = way, envelopes, options.timeout_millis / 1000

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """One try."""
        return self._way.deliver(items, self._envelopes.spans(items), timeout_seconds)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        left = self.attempt(list(spans), self._seconds)
        return SpanExportResult.FAILURE if left else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class Logs(LogRecordExporter):
    """Likewise."""

    def __init__(self, way: Ingestion, envelopes: Envelopes, options: ExporterOptions) -> None:
        self._way, self._envelopes, self._seconds = way, envelopes, options.timeout_millis / 1000

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """One try."""
        return self._way.deliver(items, self._envelopes.logs(items), timeout_seconds)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        left = self.attempt(list(batch), self._seconds)
        return LogRecordExportResult.FAILURE if left else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class Metrics(MetricExporter):
    """Likewise; in deltas, since the service adds up."""

    def __init__(self, way: Ingestion, envelopes: Envelopes, options: ExporterOptions) -> None:
        super().__init__(**metric_arguments({"temporality_preference": "delta"}))
        self._way, self._envelopes = way, envelopes

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """One try."""
        return self._way.deliver(items, self._envelopes.metrics(items), timeout_seconds)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        left = self.attempt(metrics_data, timeout_millis / 1000)
        return MetricExportResult.FAILURE if left else MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        pass

"""The stages of the metrics signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from distrokit.export import ExporterWrapper, ExportFailure
from distrokit.pipeline.transforms import ErrorReporter, Named, Transforms


class StagedMetrics(ExporterWrapper, MetricExporter):
    """The stages of the metrics signal, in front of one exporter.

    The SDK has no processors for metrics, so the stages run between the reader and the exporter.
    """

    def __init__(
        self,
        transforms: Transforms[MetricsData],
        derive: Sequence[Named[Callable[[MetricsData], None]]],
        exporter: MetricExporter,
        report: ErrorReporter,
    ) -> None:
        super().__init__(exporter)
        self._transforms = transforms
        self._derive = tuple(derive)
        self._report = report
        # Items to retry, which have passed the stages already.
        self._retried: MetricsData | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        finished = self._run_stages(metrics_data)
        if finished is None:
            return MetricExportResult.SUCCESS
        result: MetricExportResult = self._exporter.export(finished, timeout_millis=timeout_millis, **kwargs)
        return result

    def attempt(self, items: MetricsData, timeout_seconds: float) -> ExportFailure | None:
        """Run the stages, then try once to export (:class:`~distrokit.export.RetryAwareExporter`)."""
        finished = items if items is self._retried else self._run_stages(items)
        left: ExportFailure | None = None
        if finished is not None:
            left = self._exporter.attempt(finished, timeout_seconds)
        self._retried = left.items if left is not None else None
        return left

    def _run_stages(self, metrics_data: MetricsData) -> MetricsData | None:
        """Return the collection after the stages; ``None`` if a transform dropped it."""
        finished = self._transforms(metrics_data)
        if finished is None:
            return None
        for derive in self._derive:
            try:
                derive.part(finished)
            except Exception as error:
                self._report(derive.name, error)
        return finished

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._transforms.finish()
        super().shutdown(timeout_millis=timeout_millis, **kwargs)

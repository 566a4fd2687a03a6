"""Parts for tests of stages: an exporter that keeps what it is given, and reports that are noted."""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

REPORTED: list[tuple[str, str]] = []


def report(name, error):
    REPORTED.append((name, repr(error)))


class Keeping(MetricExporter):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kept = []
        self.ended = []

    def export(self, metrics_data, timeout_millis=10_000, **kwargs):
        self.kept.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        self.ended.append("flush")
        return True

    def shutdown(self, timeout_millis=30_000, **kwargs):
        self.ended.append("shutdown")

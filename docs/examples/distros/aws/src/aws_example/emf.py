"""Metrics as lines of JSON, which CloudWatch makes metrics of again where it finds them in a log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)

from distrokit import ExporterOptions, metric_arguments

#: CloudWatch adds up by itself.
_DELTA = {"temporality_preference": "delta"}


class EMFExporter(MetricExporter):
    """``awsemf``."""

    def __init__(self, options: ExporterOptions) -> None:
        super().__init__(**metric_arguments(_DELTA))
        self._stream = options.arguments["stream"]

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        stream = getattr(sys, self._stream)
        stream.write("".join(f"{json.dumps(line)}\n" for line in lines(metrics_data)))
        stream.flush()
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        pass


def lines(data: MetricsData) -> Iterator[dict[str, Any]]:
    """A line for each data point."""
    for resource in data.resource_metrics:
        service = str(resource.resource.attributes.get("service.name", ""))
        for scoped in resource.scope_metrics:
            for metric in scoped.metrics:
                for point in metric.data.data_points:
                    dimensions = {name: str(value) for name, value in (point.attributes or {}).items()}
                    directive = {
                        "Namespace": service or "unknown_service",
                        "Dimensions": [sorted(dimensions)],
                        "Metrics": [{"Name": metric.name, "Unit": metric.unit or "None"}],
                    }
                    about = {"Timestamp": point.time_unix_nano // 1_000_000, "CloudWatchMetrics": [directive]}
                    yield {"_aws": about, **dimensions, metric.name: _value(point)}


def _value(point: Any) -> Any:
    if isinstance(point, (HistogramDataPoint, ExponentialHistogramDataPoint)):
        return {"Count": point.count, "Sum": point.sum, "Min": point.min, "Max": point.max}
    return point.value

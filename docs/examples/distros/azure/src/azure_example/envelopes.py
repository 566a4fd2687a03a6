"""Spans, log records and metrics as envelopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData, NumberDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode


class Envelopes:
    """Makes them.

    Args:
        key: whose telemetry it is.
        version: of the distro, for its tag.
    """

    def __init__(self, key: str, version: str) -> None:
        self._key, self._version = key, version

    def spans(self, spans: Sequence[ReadableSpan]) -> list[dict[str, Any]]:
        """A request that was served, or one that was made."""
        return [self._span(span) for span in spans]

    def logs(self, records: Sequence[ReadableLogRecord]) -> list[dict[str, Any]]:
        """Messages."""
        return [self._log(record) for record in records]

    def metrics(self, data: MetricsData) -> list[dict[str, Any]]:
        """One for each point."""
        return list(self._points(data))

    def _span(self, span: ReadableSpan) -> dict[str, Any]:
        served = span.kind in (SpanKind.SERVER, SpanKind.CONSUMER)
        begin, end = span.start_time or 0, span.end_time or 0
        content = {
            "id": f"{span.context.span_id:016x}" if span.context else "",
            "name": span.name,
            "duration": (end - begin) / 1e9,
            "success": span.status.status_code is not StatusCode.ERROR,
            "properties": dict(span.attributes or {}),
        }
        tags = {"ai.operation.id": f"{span.context.trace_id:032x}"} if span.context else {}
        if span.parent is not None:
            tags["ai.operation.parentId"] = f"{span.parent.span_id:016x}"
        return self._made("RequestData" if served else "RemoteDependencyData", begin, span.resource, tags, content)

    def _log(self, record: ReadableLogRecord) -> dict[str, Any]:
        log = record.log_record
        content = {
            "message": str(log.body),
            "severity": log.severity_number.value if log.severity_number else 0,
            "properties": dict(log.attributes or {}),
        }
        tags = {"ai.operation.id": f"{log.trace_id:032x}"} if log.trace_id else {}
        return self._made("MessageData", log.timestamp or log.observed_timestamp or 0, record.resource, tags, content)

    def _points(self, data: MetricsData) -> Iterator[dict[str, Any]]:
        for resource in data.resource_metrics:
            for scoped in resource.scope_metrics:
                for metric in scoped.metrics:
                    for point in metric.data.data_points:
                        content = {
                            "metrics": [{"name": metric.name, **_value(point)}],
                            "properties": dict(point.attributes or {}),
                        }
                        yield self._made("MetricData", point.time_unix_nano, resource.resource, {}, content)

    def _made(
        self, kind: str, nanoseconds: int, resource: Resource, tags: dict[str, str], content: dict[str, Any]
    ) -> dict[str, Any]:
        role = str(resource.attributes.get("service.name", ""))
        return {
            "name": kind,
            "time": datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc).isoformat(),
            "iKey": self._key,
            "tags": {"ai.cloud.role": role, "ai.internal.sdkVersion": self._version, **tags},
            "data": {"baseType": kind, "baseData": content},
        }


def _value(point: Any) -> dict[str, Any]:
    return {"value": point.value} if isinstance(point, NumberDataPoint) else {"value": point.sum, "count": point.count}

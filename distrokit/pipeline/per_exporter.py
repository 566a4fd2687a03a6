"""Transforms in front of some exporters only: what one of them drops or rewrites, the other exporters get as it was.

That one of them drops every item is not reported: what is for one exporter is often a filter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricExporter, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from distrokit.pipeline.stages import Named, Report, StagedLogs, StagedMetrics, StagedSpans, Transforms
from distrokit.pipeline.transform_losses import LostItem


def spans_in_front(
    transforms: Sequence[Named[Any]], processor: Named[SpanProcessor], report: Report, lost: LostItem | None = None
) -> SpanProcessor:
    """The processor that feeds an exporter, behind the transforms for that one."""
    before = Transforms(transforms, ReadableSpan, report, filters=True, lost=lost)
    return StagedSpans([], before, [], [processor], report)


def logs_in_front(
    transforms: Sequence[Named[Any]], processor: Named[LogRecordProcessor], report: Report, lost: LostItem | None = None
) -> LogRecordProcessor:
    """Likewise. Transforms write into log records, which all exporters share: these are given a record of their own."""
    own = [Named(f"the record's copy for {processor.name}", _copied), *transforms]
    before = Transforms(own, ReadWriteLogRecord, report, filters=True, lost=lost)
    return StagedLogs([], before, [], [processor], report)


def metrics_in_front(
    transforms: Sequence[Named[Any]], exporter: MetricExporter, report: Report, lost: LostItem | None = None
) -> MetricExporter:
    """The exporter, behind the transforms for it; each reader collects by itself, so nothing is shared."""
    before = Transforms(transforms, MetricsData, report, filters=True, lost=lost)
    return StagedMetrics(before, [], exporter, report)


def _copied(record: ReadWriteLogRecord) -> ReadWriteLogRecord:
    twin = copy(record)
    twin.log_record = copy(record.log_record)
    attributes = record.log_record.attributes
    # The SDK's copy themselves, with the number of those that were dropped.
    twin.log_record.attributes = deepcopy(attributes) if isinstance(attributes, BoundedAttributes) else _own(attributes)
    twin.log_record.body = _own(record.log_record.body)
    return twin


def _own(value: Any) -> Any:
    """Its containers anew; what is in them may be anything, and is never written into."""
    if isinstance(value, Mapping):
        return {key: _own(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_own, value)) if type(value) in (list, tuple) else list(map(_own, value))
    return value

"""Transforms for some exporters only: the other exporters get the items unchanged.

Such a transform is often a filter, so it may drop every item without a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricExporter, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from distrokit.pipeline.metric_stages import StagedMetrics
from distrokit.pipeline.stages import StagedLogs, StagedSpans
from distrokit.pipeline.transform_losses import LostItem
from distrokit.pipeline.transforms import ErrorReporter, Named, Transforms


def prepend_to_spans(
    transforms: Sequence[Named[Any]],
    processor: Named[SpanProcessor],
    report: ErrorReporter,
    lost: LostItem | None = None,
) -> SpanProcessor:
    """Return the processor that feeds an exporter, with the exporter's transforms in front of it."""
    before = Transforms(transforms, ReadableSpan, report, filters=True, lost=lost)
    return StagedSpans([], before, [], [processor], report)


def prepend_to_logs(
    transforms: Sequence[Named[Any]],
    processor: Named[LogRecordProcessor],
    report: ErrorReporter,
    lost: LostItem | None = None,
) -> LogRecordProcessor:
    """Return the same for log records; transforms modify them in place, so these get a copy."""
    steps = [Named(f"the record's copy for {processor.name}", copy_record), *transforms]
    before = Transforms(steps, ReadWriteLogRecord, report, filters=True, lost=lost)
    return StagedLogs([], before, [], [processor], report)


def prepend_to_metrics(
    transforms: Sequence[Named[Any]],
    exporter: MetricExporter,
    report: ErrorReporter,
    lost: LostItem | None = None,
) -> MetricExporter:
    """Return the exporter with its transforms in front of it; each reader has its own data, so nothing is copied."""
    before = Transforms(transforms, MetricsData, report, filters=True, lost=lost)
    return StagedMetrics(before, [], exporter, report)


def copy_record(record: ReadWriteLogRecord) -> ReadWriteLogRecord:
    """Return a copy of a log record that can be changed without a change of the record."""
    copied = copy(record)
    copied.log_record = copy(record.log_record)
    attributes = record.log_record.attributes
    # The deepcopy of BoundedAttributes keeps the number of dropped attributes.
    bounded = isinstance(attributes, BoundedAttributes)
    copied.log_record.attributes = deepcopy(attributes) if bounded else _copy(attributes)
    copied.log_record.body = _copy(record.log_record.body)
    return copied


def _copy(value: Any) -> Any:
    """Copy mappings and sequences only; other values may not be copyable, and are not modified."""
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_copy, value)) if type(value) in (list, tuple) else list(map(_copy, value))
    return value

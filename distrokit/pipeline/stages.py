"""The order of processors, kept by construction: enrich, transform, derive, export.

The SDK runs processors in the order they were added and offers no place before the exporting ones, so
a redactor added late does nothing (opentelemetry-python#4424, dotnet-instr#2750). Here one processor
holds all stages. Whatever a plugin's part raises stays here: the application's ``span.end()`` and
``logger.info()`` never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

Item = TypeVar("Item")
Part = TypeVar("Part")

#: Told when a part raised: (name of the part, the exception). Called every time; it says it once.
Report = Callable[[str, BaseException], None]


class Named(Generic[Part]):
    """A part of a stage and the name to report it by."""

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.part = part


def transformed(transforms: Sequence[Named[Callable[[Item], Item | None]]], item: Item, report: Report) -> Item | None:
    """The item after every transform, ``None`` when one dropped it.

    A transform that raises drops the item as well: what could not be redacted is not sent.
    """
    current: Item | None = item
    for transform in transforms:
        try:
            current = transform.part(current)  # type: ignore[arg-type]  # None leaves the loop below
        except Exception as error:
            report(transform.name, error)
            return None
        if current is None:
            return None
    return current


class StagedSpans(SpanProcessor):
    """All stages of the traces signal.

    Args:
        enrich, derive, export: span processors; ``derive`` and ``export`` get transformed spans.
        transforms: ``ReadableSpan`` to ``ReadableSpan`` or ``None``.
    """

    def __init__(
        self,
        enrich: Sequence[Named[SpanProcessor]],
        transforms: Sequence[Named[Callable[[ReadableSpan], ReadableSpan | None]]],
        derive: Sequence[Named[SpanProcessor]],
        export: Sequence[Named[SpanProcessor]],
        report: Report,
    ) -> None:
        self._enrich = tuple(enrich)
        self._transforms = tuple(transforms)
        self._after = (*derive, *export)
        self._all = (*enrich, *derive, *export)
        self._report = report

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for processor in self._all:
            try:
                processor.part.on_start(span, parent_context)
            except Exception as error:
                self._report(processor.name, error)

    def on_end(self, span: ReadableSpan) -> None:
        for processor in self._enrich:
            self._guarded(processor, span)
        finished = transformed(self._transforms, span, self._report)
        if finished is not None:
            for processor in self._after:
                self._guarded(processor, finished)

    def _guarded(self, processor: Named[SpanProcessor], span: ReadableSpan) -> None:
        try:
            processor.part.on_end(span)
        except Exception as error:
            self._report(processor.name, error)

    def shutdown(self) -> None:
        shut_down(self._all, self._report)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return flushed(self._all, timeout_millis, self._report)


class StagedLogs(LogRecordProcessor):
    """All stages of the logs signal; the arguments are as for :class:`StagedSpans`."""

    def __init__(
        self,
        enrich: Sequence[Named[LogRecordProcessor]],
        transforms: Sequence[Named[Callable[[ReadWriteLogRecord], ReadWriteLogRecord | None]]],
        derive: Sequence[Named[LogRecordProcessor]],
        export: Sequence[Named[LogRecordProcessor]],
        report: Report,
    ) -> None:
        self._enrich = tuple(enrich)
        self._transforms = tuple(transforms)
        self._after = (*derive, *export)
        self._all = (*enrich, *derive, *export)
        self._report = report

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for processor in self._enrich:
            self._guarded(processor, log_record)
        finished = transformed(self._transforms, log_record, self._report)
        if finished is not None:
            for processor in self._after:
                self._guarded(processor, finished)

    def _guarded(self, processor: Named[LogRecordProcessor], record: ReadWriteLogRecord) -> None:
        try:
            processor.part.on_emit(record)
        except Exception as error:
            self._report(processor.name, error)

    def shutdown(self) -> None:
        shut_down(self._all, self._report)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return flushed(self._all, timeout_millis, self._report)


class StagedMetrics(MetricExporter):
    """The stages of the metrics signal, in front of one exporter.

    Metrics have no processors in the SDK, so the stages stand where a collection passes: between
    the reader and the exporter. Everything but ``export`` is the exporter's own, which also gives
    the reader the exporter's temporality and aggregation.
    """

    def __init__(
        self,
        transforms: Sequence[Named[Callable[[MetricsData], MetricsData | None]]],
        derive: Sequence[Named[Callable[[MetricsData], None]]],
        exporter: MetricExporter,
        report: Report,
    ) -> None:
        # Not super().__init__(): it would set a temporality of its own over the exporter's.
        self._transforms = tuple(transforms)
        self._derive = tuple(derive)
        self._exporter = exporter
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_exporter"], name)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        finished = transformed(self._transforms, metrics_data, self._report)
        if finished is None:
            return MetricExportResult.SUCCESS
        for derive in self._derive:
            try:
                derive.part(finished)
            except Exception as error:
                self._report(derive.name, error)
        return self._exporter.export(finished, timeout_millis=timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis=timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._exporter.shutdown(timeout_millis=timeout_millis, **kwargs)


def shut_down(processors: Sequence[Named[Any]], report: Report) -> None:
    """Shut all down, in order; one that raises does not keep the next from its last export."""
    for processor in processors:
        try:
            processor.part.shutdown()
        except Exception as error:
            report(processor.name, error)


def flushed(processors: Sequence[Named[Any]], timeout_millis: int, report: Report) -> bool:
    """Flush all, in order; false when one could not."""
    done = True
    for processor in processors:
        try:
            # The base classes' answer is None, which says nothing went wrong.
            done = processor.part.force_flush(timeout_millis) is not False and done
        except Exception as error:
            report(processor.name, error)
            done = False
    return done

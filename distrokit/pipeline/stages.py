"""Runs processors in a fixed order of stages: enrich, transform, derive, export.

The SDK runs processors in the order in which they were added, and nothing can be inserted before the exporting ones: a
redactor that is added late does nothing (opentelemetry-python#4424, dotnet-instr#2750). So one processor holds all
stages. It catches the exceptions of plugins, so that they do not reach the application's ``span.end()`` and
``logger.info()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from distrokit.export import ExporterWrapper, ExportFailure

Item = TypeVar("Item")
Part = TypeVar("Part")


class ErrorReporter(Protocol):
    """Called each time a part raises, with its name, the exception and the outcome; prints it once."""

    def __call__(self, name: str, error: BaseException, outcome: str = "", /) -> None: ...


class Named(Generic[Part]):
    """A part of a stage, with its name for reports."""

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.part = part


class Transforms(Generic[Item]):
    """The transforms of one signal, in order.

    Args:
        parts: each takes a finished item and returns the item to continue with, or ``None`` to drop it.
        kind: the class of the items.
        report: called when a transform raises, or returns something other than an item.
        filters: true if a transform may drop every item; that is not reported then.
        lost: called for each item that is dropped because a transform failed; ``None`` for none.
    """

    def __init__(
        self,
        parts: Sequence[Named[Callable[[Item], Item | None]]],
        kind: type[Item],
        report: ErrorReporter,
        *,
        filters: bool = False,
        lost: Callable[[Item, str, Exception], None] | None = None,
    ) -> None:
        self._parts = tuple(parts)
        self._kind = kind
        self._report = report
        self._on_lost = lost
        self._filters = filters
        # Per transform; not locked, since they are for one message at shutdown only.
        self._dropped, self._has_passed = [0] * len(parts), [False] * len(parts)

    def __call__(self, item: Item) -> Item | None:
        """Return the item after all transforms; ``None`` if one dropped it.

        A transform that raises drops the item, since an item that could not be redacted must not be sent. Only
        ``Exception`` is caught: a signal handler of the application may call ``sys.exit()`` at any moment.
        """
        for number, transform in enumerate(self._parts):
            try:
                result = transform.part(item)
            except Exception as error:
                self._failed(transform.name, item, error)
                return None
            if result is None:
                self._dropped[number] += 1
                return None
            if result is not item:
                if not isinstance(result, self._kind):
                    self._dropped[number] += 1
                    wrong = f"it returned {type(result).__name__}, not {self._kind.__name__}"
                    self._failed(transform.name, item, TypeError(wrong))
                    return None
                item = result
            self._has_passed[number] = True
        return item

    def _failed(self, name: str, item: Item, error: Exception) -> None:
        self._report(name, error)
        if self._on_lost is not None:
            self._on_lost(item, name, error)

    def finish(self) -> None:
        """Report at shutdown each transform that dropped every item, as one without ``return`` does."""
        for transform, count, has_passed in zip(self._parts, self._dropped, self._has_passed, strict=True):
            if count >= REPORTED_FROM and not has_passed and not self._filters:
                self._report(transform.name, DroppedAll(f"it dropped all {count} items"))


class DroppedAll(Exception):  # noqa: N818  (reported like an exception, never raised)
    """A transform dropped every item."""


#: Report a transform that drops everything only from this many items: a service with health checks alone has a few.
REPORTED_FROM = 100


class _Processor(Protocol):
    """The common methods of span processors and log record processors."""

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool: ...


P = TypeVar("P", bound=_Processor)


class _Stages(Generic[P, Item]):
    """The common base of the stages of spans and of log records.

    Args:
        enrich: processors that run before the transforms.
        transforms: run on each finished item.
        derive: processors that get the transformed items.
        export: processors that get the transformed items, after ``derive``.
        report: called when a part raises.
    """

    def __init__(
        self,
        enrich: Sequence[Named[P]],
        transforms: Transforms[Item],
        derive: Sequence[Named[P]],
        export: Sequence[Named[P]],
        report: ErrorReporter,
    ) -> None:
        self._enrich = tuple(enrich)
        self._transforms = transforms
        self._after = (*derive, *export)
        self._all = (*enrich, *derive, *export)
        self._report = report

    def _process(self, item: Item, call: Callable[[P, Item], None]) -> None:
        """Run a finished item through the stages; ``call`` passes it to one processor."""
        self._call_each(self._enrich, item, call)
        finished = self._transforms(item)
        if finished is not None:
            self._call_each(self._after, finished, call)

    def _call_each(self, processors: Sequence[Named[P]], item: Item, call: Callable[[P, Item], None]) -> None:
        for processor in processors:
            try:
                call(processor.part, item)
            except Exception as error:
                self._report(processor.name, error)

    def shutdown(self) -> None:
        """Shut down all processors in order; one that raises does not prevent the shutdown of the next."""
        self._transforms.finish()
        for processor in self._all:
            try:
                processor.part.shutdown()
            except Exception as error:
                self._report(processor.name, error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all processors in order; false if one failed."""
        done = True
        for processor in self._all:
            try:
                # The base classes return None on success.
                done = processor.part.force_flush(timeout_millis) is not False and done
            except Exception as error:
                self._report(processor.name, error)
                done = False
        return done


class StagedSpans(_Stages[SpanProcessor, ReadableSpan], SpanProcessor):
    """All stages of the traces signal."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for processor in self._all:
            try:
                processor.part.on_start(span, parent_context)
            except Exception as error:
                self._report(processor.name, error)

    def on_end(self, span: ReadableSpan) -> None:
        self._process(span, _end)


class StagedLogs(_Stages[LogRecordProcessor, ReadWriteLogRecord], LogRecordProcessor):
    """All stages of the logs signal."""

    # Repeats _process, since three more calls per record would cost time in the application's loops.
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for processor in self._enrich:
            try:
                processor.part.on_emit(log_record)
            except Exception as error:
                self._report(processor.name, error)
        finished = self._transforms(log_record)
        if finished is None:
            return
        for processor in self._after:
            try:
                processor.part.on_emit(finished)
            except Exception as error:
                self._report(processor.name, error)


def _end(processor: SpanProcessor, span: ReadableSpan) -> None:
    processor.on_end(span)


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

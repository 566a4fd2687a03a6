"""The order of processors, kept by construction: enrich, transform, derive, export.

The SDK runs processors in the order they were added and offers no place before the exporting ones, so
a redactor added late does nothing (opentelemetry-python#4424, dotnet-instr#2750). Here one processor
holds all stages. Whatever a plugin's part raises stays here: the application's ``span.end()`` and
``logger.info()`` never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from distrokit.export import ExportFailure

Item = TypeVar("Item")
Part = TypeVar("Part")


class Report(Protocol):
    """Told when a part raised: its name, the exception, what comes of it. Called every time; it says it once."""

    def __call__(self, name: str, error: BaseException, outcome: str = "", /) -> None: ...


class Named(Generic[Part]):
    """A part of a stage and the name to report it by."""

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.part = part


class Transforms(Generic[Item]):
    """The transforms of one signal, in order.

    Args:
        parts: a finished item to the one to go on with, or ``None`` to drop it.
        kind: the class of the items.
        report: told when one raised, or returned something else than an item.
        filters: whether it is nothing to report that one drops every item.
        lost: counts an item that one raised on; ``None`` for nobody.
    """

    def __init__(
        self,
        parts: Sequence[Named[Callable[[Item], Item | None]]],
        kind: type[Item],
        report: Report,
        *,
        filters: bool = False,
        lost: Callable[[Item, str, Exception], None] | None = None,
    ) -> None:
        self._parts = tuple(parts)
        self._kind = kind
        self._report = report
        self._lost = lost
        self._filters = filters
        # How many each one was given and gave on; without a lock: it is for one message at the end.
        self._given = dict.fromkeys(range(len(parts)), 0)
        self._passed = dict.fromkeys(range(len(parts)), 0)

    def __call__(self, item: Item) -> Item | None:
        """The item after every transform, ``None`` when one dropped it.

        A transform that raises drops the item as well: what could not be redacted is not sent. Only
        ``Exception`` is contained here: a signal handler of the application that calls ``sys.exit()``
        may strike at any moment, and must be obeyed.
        """
        for number, transform in enumerate(self._parts):
            try:
                result = transform.part(item)
            except Exception as error:
                self._failed(transform.name, item, error)
                return None
            self._given[number] += 1
            if result is None:
                return None
            if not isinstance(result, self._kind):
                wrong = f"it returned {type(result).__name__}, not {self._kind.__name__}"
                self._failed(transform.name, item, TypeError(wrong))
                return None
            self._passed[number] += 1
            item = result
        return item

    def _failed(self, name: str, item: Item, error: Exception) -> None:
        self._report(name, error)
        if self._lost is not None:
            self._lost(item, name, error)

    def finish(self) -> None:
        """At the end: a transform without ``return`` drops everything, and nobody would know."""
        for number, transform in enumerate(self._parts if not self._filters else ()):
            if self._given[number] >= SUSPICIOUS and not self._passed[number]:
                count = self._given[number]
                self._report(transform.name, DroppedAll(f"it gave none of {count} items on"))


class DroppedAll(Exception):  # noqa: N818  (nothing was raised: it is reported as one)
    """A transform dropped every item there was."""


#: From how many items on a transform that dropped them all is reported. Health checks alone make a few.
SUSPICIOUS = 100


class _Processor(Protocol):
    """What span processors and log record processors have in common."""

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool: ...


P = TypeVar("P", bound=_Processor)


class _Stages(Generic[P, Item]):
    """What the stages of spans and of log records share.

    Args:
        enrich, derive, export: processors; ``derive`` and ``export`` get transformed items.
        transforms: stand between them.
        report: told when a part raised.
    """

    def __init__(
        self,
        enrich: Sequence[Named[P]],
        transforms: Transforms[Item],
        derive: Sequence[Named[P]],
        export: Sequence[Named[P]],
        report: Report,
    ) -> None:
        self._enrich = tuple(enrich)
        self._transforms = transforms
        self._after = (*derive, *export)
        self._all = (*enrich, *derive, *export)
        self._report = report

    def _finish(self, item: Item, hand: Callable[[P, Item], None]) -> None:
        """Take a finished item through the stages; ``hand`` gives it to one processor."""
        self._hand_to(self._enrich, item, hand)
        finished = self._transforms(item)
        if finished is not None:
            self._hand_to(self._after, finished, hand)

    def _hand_to(self, processors: Sequence[Named[P]], item: Item, hand: Callable[[P, Item], None]) -> None:
        for processor in processors:
            try:
                hand(processor.part, item)
            except Exception as error:
                self._report(processor.name, error)

    def shutdown(self) -> None:
        """Shut all down, in order; one that raises does not keep the next from its last export."""
        self._transforms.finish()
        for processor in self._all:
            try:
                processor.part.shutdown()
            except Exception as error:
                self._report(processor.name, error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all, in order; false when one could not."""
        done = True
        for processor in self._all:
            try:
                # The base classes' answer is None, which says nothing went wrong.
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
        self._finish(span, _end)


class StagedLogs(_Stages[LogRecordProcessor, ReadWriteLogRecord], LogRecordProcessor):
    """All stages of the logs signal."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._finish(log_record, _emit)


def _end(processor: SpanProcessor, span: ReadableSpan) -> None:
    processor.on_end(span)


def _emit(processor: LogRecordProcessor, record: ReadWriteLogRecord) -> None:
    processor.on_emit(record)


class StagedMetrics(MetricExporter):
    """The stages of the metrics signal, in front of one exporter.

    Metrics have no processors in the SDK, so the stages stand where a collection passes: between
    the reader and the exporter. Everything but ``export`` is the exporter's own, which also gives
    the reader the exporter's temporality and aggregation.
    """

    def __init__(
        self,
        transforms: Transforms[MetricsData],
        derive: Sequence[Named[Callable[[MetricsData], None]]],
        exporter: MetricExporter,
        report: Report,
    ) -> None:
        # Not super().__init__(): it would set a temporality of its own over the exporter's.
        self._transforms = transforms
        self._derive = tuple(derive)
        self._exporter = exporter
        self._report = report
        # What is being tried again has passed the stages.
        self._again: MetricsData | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_exporter"], name)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        finished = self._passed(metrics_data)
        if finished is None:
            return MetricExportResult.SUCCESS
        return self._exporter.export(finished, timeout_millis=timeout_millis, **kwargs)

    def attempt(self, items: MetricsData, timeout_seconds: float) -> ExportFailure | None:
        """One try (:class:`~distrokit.export.RetryAwareExporter`) of what the stages leave."""
        finished = items if items is self._again else self._passed(items)
        left: ExportFailure | None = None
        if finished is not None:
            left = self.__getattr__("attempt")(finished, timeout_seconds)
        self._again = left.items if left is not None else None
        return left

    def _passed(self, metrics_data: MetricsData) -> MetricsData | None:
        """What the stages leave; ``None`` when nothing is to be sent."""
        finished = self._transforms(metrics_data)
        if finished is None:
            return None
        for derive in self._derive:
            try:
                derive.part(finished)
            except Exception as error:
                self._report(derive.name, error)
        return finished

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis=timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._transforms.finish()
        self._exporter.shutdown(timeout_millis=timeout_millis, **kwargs)

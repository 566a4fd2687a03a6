"""Runs processors in a fixed order of stages: enrich, transform, derive, export.

The SDK runs processors in the order in which they were added, and nothing can be inserted before the exporting ones: a
redactor that is added late does nothing (opentelemetry-python#4424, dotnet-instr#2750). So one processor holds all
stages. It catches the exceptions of plugins, so that they do not reach the application's ``span.end()`` and
``logger.info()``.

The provider calls this processor. The processors of the stage ``export`` (those that feed the exporters, and those that
are added late) are in the attribute in which the SDK's own class has its processors: other SDKs look there, and set it
(MLflow).
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, SynchronousMultiSpanProcessor

from distrokit.pipeline.late_processors import LateProcessor
from distrokit.pipeline.processor_stages import ProcessorStages


class StagedSpans(ProcessorStages[SpanProcessor, ReadableSpan], SynchronousMultiSpanProcessor):
    """All stages of the traces signal."""

    _ATTRIBUTE, _SIGNAL = "_span_processors", "traces"

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        self._add(span_processor)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self._span_processors is not self._arranged:
            self._arrange(self._span_processors)
        only = self._only
        if only is not None:
            try:
                only.part.on_start(span, parent_context)
            except Exception as error:
                self._report(only.name, error)
            return
        for processor in self._live:
            try:
                processor.part.on_start(span, parent_context)
            except Exception as error:
                self._report(processor.name, error)
        for late in self._late_behind:
            self._start_late(late, span, parent_context)
        if self._late_raw:
            self._call_late(self._late_raw, "on_start", lambda: span, parent_context)

    def _on_ending(self, span: Span) -> None:
        # The SDK's own hook for spans that are about to end; late processors may have it.
        if self._only is not None:
            return
        if self._late_behind:
            self._call_late(self._late_behind, "_on_ending", lambda: self._proxy_of(span))
        if self._late_raw:
            self._call_late(self._late_raw, "_on_ending", lambda: span)

    def _start_late(self, processor: LateProcessor, span: Span, parent_context: Context | None) -> None:
        # Each has a proxy of its own, which knows what this processor has written.
        proxy = self._proxy_of(span, is_starting=True)
        self._call_late((processor,), "on_start", lambda: proxy, parent_context)
        if proxy is not span:
            proxy.finish_start()

    def _proxy_of(self, span: Any, *, is_starting: bool = False) -> Any:
        """Return the running span as late processors see it."""
        if not self._transforms:
            return span
        # Imported here, since most processes have no late processors.
        from distrokit.pipeline.span_proxy import SpanProxy

        # Some call the whole provider's processor with the span that they have got.
        return (
            span if isinstance(span, SpanProxy) else SpanProxy(span, self._transforms.preview, is_starting=is_starting)
        )

    def _end_late(self, span: ReadableSpan, finished: ReadableSpan | None) -> None:
        """Give late processors a finished span: ``None`` if a transform dropped it."""
        if not self._transforms:
            self._call_late(self._late_behind, "on_end", lambda: finished)
            return
        from distrokit.pipeline.span_proxy import copy_for_late, empty_span

        # Each has its own.
        self._call_late(
            self._late_behind, "on_end", lambda: empty_span(span) if finished is None else copy_for_late(finished)
        )

    def _end_in_stages(self, span: ReadableSpan) -> ReadableSpan | None:
        """Run the stages of a finished span; return what the transforms made of it, ``None`` if they dropped it."""
        for processor in self._enrich:
            try:
                processor.part.on_end(span)
            except Exception as error:
                self._report(processor.name, error)
        finished = self._transforms(span) if self._transforms else span
        if finished is None:
            return None
        for processor in self._after:
            try:
                processor.part.on_end(finished)
            except Exception as error:
                self._report(processor.name, error)
        return finished

    def on_end(self, span: ReadableSpan) -> None:
        if self._span_processors is not self._arranged:
            self._arrange(self._span_processors)
        only = self._only
        if only is not None:
            try:
                only.part.on_end(span)
            except Exception as error:
                self._report(only.name, error)
            return
        if self._late_raw:
            self._call_late(self._late_raw, "on_end", lambda: span)
        finished = self._end_in_stages(span)
        if self._late_behind:
            self._end_late(span, finished)


class StagedLogs(ProcessorStages[LogRecordProcessor, ReadWriteLogRecord], LogRecordProcessor):
    """All stages of the logs signal; no subclass of the SDK's own class, which has no public name in 1.43."""

    _ATTRIBUTE, _SIGNAL = "_log_record_processors", "logs"
    _log_record_processors: tuple[LogRecordProcessor, ...] = ()

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        self._add(log_record_processor)

    # Repeats on_end of spans, since more calls per record would cost time in the application's loops.
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._log_record_processors is not self._arranged:
            self._arrange(self._log_record_processors)
        for processor in self._enrich:
            try:
                processor.part.on_emit(log_record)
            except Exception as error:
                self._report(processor.name, error)
        if self._late_raw:
            self._call_late(self._late_raw, "on_emit", lambda: log_record)
        finished = self._transforms(log_record)
        if finished is None:
            return
        for processor in self._after:
            try:
                processor.part.on_emit(finished)
            except Exception as error:
                self._report(processor.name, error)
        if self._late_behind:
            self._emit_late(finished)

    def _emit_late(self, record: ReadWriteLogRecord) -> None:
        # Imported here, since most processes have no late processors; and that module imports this one.
        from distrokit.pipeline.per_exporter import copy_record

        # The exporters may have the record in their queues, so each has its own.
        self._call_late(self._late_behind, "on_emit", lambda: copy_record(record))

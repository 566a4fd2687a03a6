"""The ``batch`` processors of spans and log records."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from distrokit import BuildContext
from distrokit_batch.delivery import Delivery
from distrokit_batch.log_records import to_queued
from distrokit_batch.queue_metrics import observe_queue
from distrokit_batch.sizes import Sizes


class BatchSpanProcessor(SpanProcessor):
    """A batch processor of finished, sampled spans (specification, *Batching processor*)."""

    def __init__(self, exporter: Any, sizes: Sizes, context: BuildContext) -> None:
        self._delivery = Delivery[ReadableSpan](
            "distrokit-traces",
            exporter.attempt,
            exporter.shutdown,
            sizes,
            context.lost,
            exit_timeout_seconds=context.exit_timeout_millis / 1000,
        )
        observe_queue(context, self._delivery.count_queued, max(sizes.queue, sizes.burst))
        self.begin_shutdown = self._delivery.begin_shutdown
        self.forked = self._delivery.forked
        self._put = self._delivery.put

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        context = span.context
        if context is None or context.trace_flags.sampled:
            self._put(span)

    def shutdown(self) -> None:
        self._delivery.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export all queued items; true if they arrived within the timeout."""
        return self._delivery.flush(timeout_millis / 1000)


class BatchLogRecordProcessor(LogRecordProcessor):
    """A batch processor of log records (specification, *Batching processor*)."""

    def __init__(self, exporter: Any, sizes: Sizes, context: BuildContext) -> None:
        self._delivery = Delivery[ReadableLogRecord](
            "distrokit-logs",
            exporter.attempt,
            exporter.shutdown,
            sizes,
            context.lost,
            exit_timeout_seconds=context.exit_timeout_millis / 1000,
        )
        observe_queue(context, self._delivery.count_queued, max(sizes.queue, sizes.burst))
        self.begin_shutdown = self._delivery.begin_shutdown
        self.forked = self._delivery.forked
        self._put = self._delivery.put

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._put(to_queued(log_record))

    def shutdown(self) -> None:
        self._delivery.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export all queued items; true if they arrived within the timeout."""
        return self._delivery.flush(timeout_millis / 1000)

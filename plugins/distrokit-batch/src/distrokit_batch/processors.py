"""The ``batch`` processors of spans and log records."""

from __future__ import annotations

from copy import copy
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from distrokit import BuildContext
from distrokit_batch.delivery import Delivery
from distrokit_batch.queue_metrics import observe_queue
from distrokit_batch.sizes import Sizes

_NO_CONTEXT = Context()
_NO_RESOURCE = Resource.get_empty()


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
        observe_queue(context, self._delivery.count_queued, sizes.queue)
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
        observe_queue(context, self._delivery.count_queued, sizes.queue)
        self.begin_shutdown = self._delivery.begin_shutdown
        self.forked = self._delivery.forked

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        # As in the SDK's own processor: a copy that no other processor changes, without the context, which may keep a
        # whole request alive.
        record = copy(log_record.log_record)
        record.context = _NO_CONTEXT
        self._delivery.put(
            ReadableLogRecord(
                log_record=record,
                # The SDK sets it before it calls processors.
                resource=log_record.resource or _NO_RESOURCE,
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        self._delivery.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export all queued items; true if they arrived within the timeout."""
        return self._delivery.flush(timeout_millis / 1000)

"""The exporter in front of another one: it writes every batch to disk; the sender delivers it from there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import (
    ExporterOptions,
    ExporterWrapper,
    ExportFailure,
    Signal,
    capture_sdk_messages,
    count_items,
    is_failure,
)
from distrokit_spool.directory import SpoolError
from distrokit_spool.payloads import encode
from distrokit_spool.sender import SpoolSender
from distrokit_spool.store import SpoolStore

#: Timeout in seconds of one delivery if the exporter has none.
_NO_LIMIT = 60.0


def wrap_exporter(exporter: Any, options: ExporterOptions, store: SpoolStore, queue: str) -> Any:
    """Return the exporter behind a spool; return anything that is not a pushing exporter unchanged."""
    kinds: dict[Signal, tuple[type[Any], type[_Spooled]]] = {
        "traces": (SpanExporter, _Spans),
        "metrics": (MetricExporter, _Metrics),
        "logs": (LogRecordExporter, _Logs),
    }
    expected, spooled = kinds[options.signal]
    return spooled(exporter, options, store, queue) if isinstance(exporter, expected) else exporter


class _Spooled(ExporterWrapper):
    """An exporter that writes to the spool; its sender exports with the inner one."""

    def __init__(self, exporter: Any, options: ExporterOptions, store: SpoolStore, queue: str) -> None:
        super().__init__(exporter)
        self._store, self._queue = store, queue
        self._signal: Signal = options.signal
        self._lost = options.lost
        store.report_losses_to(queue, options.lost)
        timeout = options.timeout_millis / 1000 or _NO_LIMIT
        blind = not hasattr(exporter, "attempt")
        self._sender = SpoolSender(
            store,
            queue,
            options.signal,
            self._deliver,
            timeout,
            options.lost,
            endpoint=options.endpoint or "",
            blind=blind,
        )
        # Batches from before a restart may be queued.
        self._sender.wake()

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Write the items to disk; if that fails, export them directly."""
        if self._store_items(items):
            return None
        if hasattr(self._exporter, "attempt"):
            left: ExportFailure | None = self._exporter.attempt(items, timeout_seconds)
            return left
        if not is_failure(self._exporter.export(items)):
            return None
        self._lost(count_items(items), "failed")
        return ExportFailure(None, "the exporter failed")

    def begin_shutdown(self, deadline: float) -> None:
        """Note that the process ends at ``deadline`` (monotonic seconds)."""
        self._sender.begin_shutdown(deadline)
        super().begin_shutdown(deadline)

    def forked(self) -> None:
        """Reset the sender in a forked child; its thread exists in the parent only."""
        self._sender.forked()
        super().forked()

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        self._sender.stop()
        try:
            self._exporter.shutdown(*args, **kwargs)
        finally:
            self._sender.join()
            self._store.close()

    def force_flush(self, timeout_millis: float = 30_000, **kwargs: Any) -> bool:
        """Return true if all queued batches of this exporter were delivered within this time."""
        end = time.monotonic() + timeout_millis / 1000
        delivered = self._sender.flush(timeout_millis / 1000)
        left = max(0, int((end - time.monotonic()) * 1000))
        return bool(self._exporter.force_flush(left, **kwargs)) and delivered

    def _store_items(self, items: Any) -> bool:
        """Write the items to disk; false if the spool cannot be used."""
        payload = encode(self._signal, items)
        if payload.content:
            try:
                self._store.put(self._queue, payload.content, payload.items)
            except SpoolError:
                return False
        if payload.refused:
            self._lost(payload.refused, "unencodable")
        self._sender.wake()
        return True

    def _deliver(self, items: Any, seconds: float) -> ExportFailure | None:
        """Export the items; called in the sender's thread."""
        with capture_sdk_messages() as records:
            try:
                if hasattr(self._exporter, "attempt"):
                    left: ExportFailure | None = self._exporter.attempt(items, seconds)
                elif not is_failure(self._exporter.export(items)):
                    left = None
                else:
                    # Such an exporter reports no reason.
                    left = ExportFailure(items, records[-1].getMessage() if records else "the exporter failed")
            except BaseException as error:
                # An exporter may call sys.exit(); the thread goes on.
                left = ExportFailure(items, f"{type(error).__name__}: {error}")
            # Messages about a failed attempt become the cause of one line; do not log them twice.
            records[:] = [r for r in records if left is None and not getattr(r, "distrokit_cause", False)]
        return left


class _Spans(_Spooled, SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._store_items(spans):
            return SpanExportResult.SUCCESS
        result: SpanExportResult = self._exporter.export(spans)
        return result


class _Logs(_Spooled, LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._store_items(batch):
            return LogRecordExportResult.SUCCESS
        result: LogRecordExportResult = self._exporter.export(batch)
        return result


class _Metrics(_Spooled, MetricExporter):
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        if self._store_items(metrics_data):
            return MetricExportResult.SUCCESS
        result: MetricExportResult = self._exporter.export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        return result

"""The exporter that the processor feeds: it puts everything on disk, from where the exporter behind it is fed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import ExporterOptions, ExportFailure, RetryAwareExporter, Signal, capture_sdk_messages
from distrokit_spool.directory import Unusable
from distrokit_spool.payloads import encode, size_of
from distrokit_spool.sender import Sender
from distrokit_spool.store import Store

#: Seconds for one delivery where the exporter has no limit of its own.
_NO_LIMIT = 60.0


def in_front_of(exporter: Any, options: ExporterOptions, store: Store, queue: str) -> Any:
    """The exporter with a spool in front; one that is scraped, or is none, as it is."""
    kinds: dict[Signal, tuple[type[Any], type[_Spooled]]] = {
        "traces": (SpanExporter, _Spans),
        "metrics": (MetricExporter, _Metrics),
        "logs": (LogRecordExporter, _Logs),
    }
    expected, spooled = kinds[options.signal]
    return spooled(exporter, options, store, queue) if isinstance(exporter, expected) else exporter


class _Spooled:
    """Everything but what follows is the exporter's own."""

    def __init__(self, exporter: Any, options: ExporterOptions, store: Store, queue: str) -> None:
        # Not super().__init__(): MetricExporter's would set a temporality of its own over the exporter's.
        self._exporter, self._store, self._queue = exporter, store, queue
        self._signal: Signal = options.signal
        self._lost = options.lost
        store.count(queue, options.lost)
        timeout = options.timeout_millis / 1000 or _NO_LIMIT
        blind = not isinstance(exporter, RetryAwareExporter)
        self._sender = Sender(store, queue, options.signal, self._deliver, timeout, options.lost, blind=blind)
        # There may be something from before a restart.
        self._sender.call()

    def __getattr__(self, name: str) -> Any:
        if "_exporter" not in self.__dict__:
            # Somebody copies it, and it is still empty.
            raise AttributeError(name)
        return getattr(self._exporter, name)

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Put them on disk, and that is all that is asked; where it does not work, give them to the exporter now."""
        if self._kept(items):
            return None
        if isinstance(self._exporter, RetryAwareExporter):
            return self._exporter.attempt(items, timeout_seconds)
        if getattr(self._exporter.export(items), "name", "") != "FAILURE":
            return None
        self._lost(size_of(self._signal, items), "failed")
        return ExportFailure(None, "the exporter failed")

    def begin_shutdown(self, deadline: float) -> None:
        """The process ends at ``deadline`` (monotonic seconds)."""
        self._sender.begin_shutdown(deadline)
        begin = getattr(self._exporter, "begin_shutdown", None)
        if begin is not None:
            begin(deadline)

    def forked(self) -> None:
        """In the child of a fork: the connection is closed already, the thread is the parent's."""
        self._sender.forked()
        forked = getattr(self._exporter, "forked", None)
        if forked is not None:
            forked()

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        self._sender.stop()
        try:
            self._exporter.shutdown(*args, **kwargs)
        finally:
            self._sender.join()
            self._store.close()

    def force_flush(self, timeout_millis: float = 30_000, **kwargs: Any) -> bool:
        """Whether all that waits on disk for this exporter has been delivered within this time."""
        end = time.monotonic() + timeout_millis / 1000
        delivered = self._sender.flush(timeout_millis / 1000)
        left = max(0, int((end - time.monotonic()) * 1000))
        return bool(self._exporter.force_flush(left, **kwargs)) and delivered

    def _kept(self, items: Any) -> bool:
        """Whether the spool has them now."""
        payload = encode(self._signal, items)
        if payload.content:
            try:
                self._store.put(self._queue, payload.content, payload.items)
            except Unusable:
                return False
        if payload.refused:
            self._lost(payload.refused, "unencodable")
        self._sender.call()
        return True

    def _deliver(self, items: Any, seconds: float) -> ExportFailure | None:
        """In the sender's thread."""
        with capture_sdk_messages() as records:
            try:
                if isinstance(self._exporter, RetryAwareExporter):
                    left = self._exporter.attempt(items, seconds)
                elif getattr(self._exporter.export(items), "name", "") != "FAILURE":
                    left = None
                else:
                    # It cannot tell why.
                    left = ExportFailure(items, records[-1].getMessage() if records else "the exporter failed")
            except BaseException as error:
                # An exporter may call sys.exit(); the thread goes on.
                left = ExportFailure(items, f"{type(error).__name__}: {error}")
            # What is about one try is of interest only when it failed, and then it is in the line that says so.
            records[:] = [r for r in records if left is None and not getattr(r, "distrokit_cause", False)]
        return left


class _Spans(_Spooled, SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._kept(spans):
            return SpanExportResult.SUCCESS
        result: SpanExportResult = self._exporter.export(spans)
        return result


class _Logs(_Spooled, LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._kept(batch):
            return LogRecordExportResult.SUCCESS
        result: LogRecordExportResult = self._exporter.export(batch)
        return result


class _Metrics(_Spooled, MetricExporter):
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        if self._kept(metrics_data):
            return MetricExportResult.SUCCESS
        result: MetricExportResult = self._exporter.export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        return result

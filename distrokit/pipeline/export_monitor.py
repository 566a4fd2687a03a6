"""Wraps exporters: counts items that were not exported, and keeps the exporter's messages as the cause of the loss."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit.declarations import Signal
from distrokit.diagnostics import describe_exception, trace_of, write
from distrokit.export import ExporterWrapper, ExportFailure, count_items, is_failure
from distrokit.pipeline.losses import Losses
from distrokit.pipeline.rate_limit import text_of
from distrokit.pipeline.sdk_messages import SDKMessages, capture_sdk_messages, in_exporter
from distrokit.suppression import suppress_instrumentation

#: An attribute of log records: marks an exporter's message about one attempt (``extra={"distrokit_cause": True}``).
CAUSE = "distrokit_cause"
#: Messages that report a failure without its cause.
_NO_CAUSE = re.compile(r"max retries or shutdown|Shutdown in progress|^Transient error")


def monitor_exporter(
    signal: Signal, exporter: Any, losses: Losses, messages: SDKMessages | None, lazy_start: Callable[[], None]
) -> Any:
    """Return the exporter in a wrapper that counts its losses.

    Args:
        messages: captures OpenTelemetry's log messages, and is renewed before each export; ``None`` for no capture.
        lazy_start: called before each export.
    """
    return {"traces": _Spans, "metrics": _Metrics, "logs": _Logs}[signal](exporter, losses, messages, lazy_start)


class _Monitor(ExporterWrapper):
    """An exporter that counts the losses of another one."""

    export: Callable[..., Any]
    #: Called with an exception of the exporter's shutdown; ``None``: the exception is raised.
    shutdown_failed: Callable[[Exception], None] | None = None

    def __init__(
        self, exporter: Any, losses: Losses, messages: SDKMessages | None, lazy_start: Callable[[], None]
    ) -> None:
        super().__init__(exporter)
        self._losses = losses
        self._messages = messages
        self._lazy_start = lazy_start
        # Start of the running export (monotonic seconds), by thread.
        self._exporting: dict[int, float] = {}
        # Acquired by the first call that shuts the exporter down, and never released.
        self._closing = threading.Lock()

    @property
    def lost_items(self) -> int:
        """The number of items that were lost in this process."""
        return sum(self._losses.totals.values())

    def _count(self, items: int, export: Callable[[], Any], failure: Any) -> Any:
        self._begin()
        # Not every processor that exports in the application's thread suppresses instrumentation.
        with suppress_instrumentation(), capture_sdk_messages() as records:
            try:
                result, cause = self._time(export), ""
            except Exception as error:
                result, cause = failure, describe_exception(error)
                self._trace(error)
            except BaseException as error:
                self._losses.record_failure(items, describe_exception(error))
                raise
            if not is_failure(result):
                self._losses.record_success()
                records[:] = [record for record in records if not _is_export_detail(record)]
            else:
                cause_record = find_cause(records)
                if hasattr(self._exporter, "attempt") and not cause:
                    # It has counted its losses itself.
                    lately = self._losses.print_losses()
                else:
                    text = cause or (text_of(cause_record) if cause_record else "")
                    lately = self._losses.record_failure(items, text)
                # Other messages of the exporter are printed once per outage.
                records[:] = [r for r in records if r is not cause_record and not lately and not _is_export_detail(r)]
        return result

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Export once, as :class:`~distrokit.export.RetryAwareExporter`; also for exporters without ``attempt``.

        Returns: the items to retry; without items in it, everything that did not arrive is lost and counted.
        """
        left = self._attempt(items, timeout_seconds)
        own = self._losses.self_metrics
        if own is not None:
            own.add_processed(count_items(items) - (count_items(left.items) if left is not None and left.items else 0))
        return left

    def _attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        attempt = getattr(self._exporter, "attempt", None)
        if attempt is None:
            result = self._export(items, timeout_seconds)
            return ExportFailure(None, "the exporter failed") if is_failure(result) else None
        self._begin()
        with suppress_instrumentation(), capture_sdk_messages() as records:
            try:
                left: ExportFailure | None = attempt(items, timeout_seconds)
            except Exception as error:
                self._trace(error)
                self._losses.record_failure(count_items(items), describe_exception(error))
                return ExportFailure(None, describe_exception(error))
            if left is None:
                self._losses.record_success()
                records[:] = [record for record in records if not _is_export_detail(record)]
            else:
                # These messages repeat `left.cause`.
                records[:] = [record for record in records if not _is_export_detail(record)]
                if left.items:
                    self._losses.record_retry(count_items(left.items), left.cause)
                else:
                    self._losses.print_losses()
        return left

    def begin_shutdown(self, deadline: float) -> None:
        self._losses.begin_shutdown()
        super().begin_shutdown(deadline)

    @property
    def is_exporting(self) -> bool:
        """True while an export is under way."""
        return bool(self._exporting)

    @property
    def is_blind(self) -> bool:
        """True if the exporter has no ``attempt``; then an ``export`` may take any time."""
        return not hasattr(self._exporter, "attempt")

    def is_overdue(self, since: float) -> bool:
        """True if the exporter has no ``attempt``, is not shut down, and began an export before ``since``.

        With infinity, true for any exporter that is not shut down.
        """
        hangs = self.is_blind and any(start < since for start in list(self._exporting.values()))
        return not self._closing.locked() and (hangs or since == math.inf)

    def shut_down_once(self, *args: Any, **kwargs: Any) -> None:
        """Shut the exporter down, on the first call only: its processor and the end of the process both call."""
        if self._closing.acquire(blocking=False):
            with in_exporter():
                self._exporter.shutdown(*args, **kwargs)

    def forked(self) -> None:
        """Forget the parent's exporting threads, in a forked child."""
        self._exporting.clear()
        super().forked()

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        try:
            self.shut_down_once(*args, **kwargs)
        except Exception as error:
            # A processor may call this in its own thread, where Python would print a traceback.
            if self.shutdown_failed is None:
                raise
            self.shutdown_failed(error)
        finally:
            self._losses.finish()

    def finish(self) -> None:
        """Print the remaining losses."""
        self._losses.finish()

    def force_flush(self, *args: Any, **kwargs: Any) -> bool:
        with in_exporter():
            return super().force_flush(*args, **kwargs)

    def _time(self, export: Callable[[], Any]) -> Any:
        thread = threading.get_ident()
        self._exporting[thread] = time.monotonic()
        try:
            return export()
        finally:
            self._exporting.pop(thread, None)

    def _export(self, items: Any, seconds: float) -> Any:
        return self.export(items)

    def _begin(self) -> None:
        self._lazy_start()
        if self._messages is not None:
            self._messages.keep()

    def _trace(self, error: Exception) -> None:
        """Print a traceback at debug level only; the SDK prints one with every batch."""
        if self._messages is not None and self._messages.threshold <= logging.DEBUG:
            write(self._messages.mask(trace_of(error).rstrip()))


class _Spans(_Monitor, SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result: SpanExportResult = self._count(
            len(spans), lambda: self._exporter.export(spans), SpanExportResult.FAILURE
        )
        return result


class _Logs(_Monitor, LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result: LogRecordExportResult = self._count(
            len(batch), lambda: self._exporter.export(batch), LogRecordExportResult.FAILURE
        )
        return result


class _Metrics(_Monitor, MetricExporter):
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        result: MetricExportResult = self._count(
            count_items(metrics_data),
            lambda: self._exporter.export(metrics_data, timeout_millis=timeout_millis, **kwargs),
            MetricExportResult.FAILURE,
        )
        return result

    def _export(self, items: MetricsData, seconds: float) -> MetricExportResult:
        return self.export(items, timeout_millis=seconds * 1000)


def find_cause(records: Sequence[logging.LogRecord]) -> logging.LogRecord | None:
    """Return the last message that has a cause, else the last message; ``None`` without messages."""
    causes = (record for record in reversed(records) if not _NO_CAUSE.search(text_of(record)))
    return next(causes, records[-1] if records else None)


def _is_export_detail(record: logging.LogRecord) -> bool:
    """Tell whether a message matters only as the cause of a loss."""
    return bool(getattr(record, CAUSE, False) or _NO_CAUSE.search(text_of(record)))

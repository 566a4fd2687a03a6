"""Exporters that count what they could not send, and keep their own words for the line that sums up."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit.declarations import Signal
from distrokit.diagnostics import describe_exception, trace_of, write
from distrokit.export import ExportFailure
from distrokit.pipeline.losses import Losses
from distrokit.pipeline.sdk_messages import SDKMessages, capture_sdk_messages, in_exporter

#: An attribute of log records: what an exporter says about one attempt (``extra={"distrokit_cause": True}``).
CAUSE = "distrokit_cause"
#: What says that there was no success in the end, but not why.
_NO_CAUSE = re.compile(r"max retries or shutdown|Shutdown in progress|^Transient error")


def counted(
    signal: Signal, exporter: Any, losses: Losses, messages: SDKMessages | None, lazy_start: Callable[[], None]
) -> Any:
    """The exporter, and what it could not send is counted.

    Args:
        messages: asked before each export to keep listening; ``None`` for nobody.
        in_use: called before each export.
    """
    return {"traces": _Spans, "metrics": _Metrics, "logs": _Logs}[signal](exporter, losses, messages, lazy_start)


class _Counted:
    """Everything but ``export`` is the exporter's own."""

    export: Callable[..., Any]
    #: Told what the exporter's shutdown raised; ``None`` raises it.
    shutdown_failed: Callable[[Exception], None] | None = None

    def __init__(
        self, exporter: Any, losses: Losses, messages: SDKMessages | None, lazy_start: Callable[[], None]
    ) -> None:
        # Not super().__init__(): MetricExporter's would set a temporality of its own over the exporter's.
        self._exporter = exporter
        self._losses = losses
        self._messages = messages
        self._lazy_start = lazy_start
        # By thread, since when it exports (monotonic seconds).
        self._exporting: dict[int, float] = {}
        # Taken by the first call that shuts the exporter down, and never given back.
        self._closing = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if "_exporter" not in self.__dict__:
            # Somebody copies it, and it is still empty.
            raise AttributeError(name)
        return getattr(self._exporter, name)

    def _count(self, items: int, export: Callable[[], Any], failure: Any) -> Any:
        self._begin()
        # A processor that exports in the application's thread may not do this.
        with suppress_instrumentation(), capture_sdk_messages() as records:
            try:
                result, cause = self._timed(export), ""
            except Exception as error:
                result, cause = failure, describe_exception(error)
                self._trace(error)
            except BaseException as error:
                self._losses.lost(items, describe_exception(error))
                raise
            # Only what says that it failed has failed: exporters answer None, too, or names of old.
            if getattr(result, "name", "") != failure.name:
                self._losses.delivered()
                records[:] = [record for record in records if not _about_this_export(record)]
            else:
                told = telling(records)
                if hasattr(self._exporter, "attempt") and not cause:
                    # It has said by itself what it lost.
                    lately = self._losses.tell()
                else:
                    lately = self._losses.lost(items, cause or (told.getMessage() if told else ""))
                # Once for each outage, whatever else there was to say.
                records[:] = [r for r in records if r is not told and not lately and not _about_this_export(r)]
        return result

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """One try (:class:`~distrokit.export.RetryAwareExporter`), of an exporter that cannot tell, too.

        Returns: what may be tried again; with no items in it, what did not arrive is lost and counted.
        """
        left = self._attempt(items, timeout_seconds)
        own = self._losses.self_metrics
        if own is not None:
            own.processed(self._size(items) - (self._size(left.items) if left is not None and left.items else 0))
        return left

    def _attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        attempt = getattr(self._exporter, "attempt", None)
        if attempt is None:
            result = self._export(items, timeout_seconds)
            return ExportFailure(None, "the exporter failed") if getattr(result, "name", "") == "FAILURE" else None
        self._begin()
        with suppress_instrumentation(), capture_sdk_messages() as records:
            try:
                left: ExportFailure | None = attempt(items, timeout_seconds)
            except Exception as error:
                self._trace(error)
                self._losses.lost(self._size(items), describe_exception(error))
                return ExportFailure(None, describe_exception(error))
            if left is None:
                self._losses.delivered()
                records[:] = [record for record in records if not _about_this_export(record)]
            else:
                # What it says about this try is the cause that it gave.
                records[:] = [record for record in records if not _about_this_export(record)]
                if left.items:
                    self._losses.waiting(self._size(left.items), left.cause)
                else:
                    self._losses.tell()
        return left

    def begin_shutdown(self, deadline: float) -> None:
        self._losses.begin_end()
        begin = getattr(self._exporter, "begin_shutdown", None)
        if begin is not None:
            begin(deadline)

    @property
    def is_blind(self) -> bool:
        """True if the exporter has no ``attempt``, which returns in time; its ``export`` may take any time."""
        return not hasattr(self._exporter, "attempt")

    def is_overdue(self, since: float) -> bool:
        """Return true if it is not shut down, and is blind and has exported since then; infinity: any exporter."""
        lasts = self.is_blind and any(begun < since for begun in list(self._exporting.values()))
        return not self._closing.locked() and (lasts or since == math.inf)

    def shut_down_once(self, *args: Any, **kwargs: Any) -> None:
        """Shut the exporter down, on the first call only: its processor and the end of the process both call."""
        if self._closing.acquire(blocking=False):
            with in_exporter():
                self._exporter.shutdown(*args, **kwargs)

    def forked(self) -> None:
        """In a child: threads that export are the parent's."""
        self._exporting.clear()
        forked = getattr(self._exporter, "forked", None)
        if forked is not None:
            forked()

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        try:
            self.shut_down_once(*args, **kwargs)
        except Exception as error:
            # What feeds it may call this in a thread of its own, where Python would print a traceback.
            if self.shutdown_failed is None:
                raise
            self.shutdown_failed(error)
        finally:
            self._losses.finish()

    def finish(self) -> None:
        """Say what was lost and not said yet."""
        self._losses.finish()

    def force_flush(self, *args: Any, **kwargs: Any) -> bool:
        with in_exporter():
            return bool(self._exporter.force_flush(*args, **kwargs))

    def _timed(self, export: Callable[[], Any]) -> Any:
        thread = threading.get_ident()
        self._exporting[thread] = time.monotonic()
        try:
            return export()
        finally:
            self._exporting.pop(thread, None)

    def _export(self, items: Any, seconds: float) -> Any:
        return self.export(items)

    def _size(self, items: Any) -> int:
        return len(items)

    def _begin(self) -> None:
        self._lazy_start()
        if self._messages is not None:
            self._messages.keep()

    def _trace(self, error: Exception) -> None:
        """The SDK would print a traceback with every batch."""
        if self._messages is not None and self._messages.threshold <= logging.DEBUG:
            write(self._messages.mask(trace_of(error).rstrip()))


class _Spans(_Counted, SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result: SpanExportResult = self._count(
            len(spans), lambda: self._exporter.export(spans), SpanExportResult.FAILURE
        )
        return result


class _Logs(_Counted, LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result: LogRecordExportResult = self._count(
            len(batch), lambda: self._exporter.export(batch), LogRecordExportResult.FAILURE
        )
        return result


class _Metrics(_Counted, MetricExporter):
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        result: MetricExportResult = self._count(
            self._size(metrics_data),
            lambda: self._exporter.export(metrics_data, timeout_millis=timeout_millis, **kwargs),
            MetricExportResult.FAILURE,
        )
        return result

    def _export(self, items: MetricsData, seconds: float) -> MetricExportResult:
        return self.export(items, timeout_millis=seconds * 1000)

    def _size(self, items: MetricsData) -> int:
        return points(items)


def points(items: MetricsData) -> int:
    """How many data points there are in a collection."""
    return sum(
        len(metric.data.data_points)
        for resource in items.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def telling(records: Sequence[logging.LogRecord]) -> logging.LogRecord | None:
    """The last message that says why; where none does, the last one."""
    why = (record for record in reversed(records) if not _NO_CAUSE.search(record.getMessage()))
    return next(why, records[-1] if records else None)


def _about_this_export(record: logging.LogRecord) -> bool:
    """Of interest only as the cause of a loss."""
    return bool(getattr(record, CAUSE, False) or _NO_CAUSE.search(record.getMessage()))

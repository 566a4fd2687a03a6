"""What did not arrive: counted per exporter, said at once and then at most once a minute.

An exporter that fails says so with every batch, in its own words (opentelemetry-python#4688). Here its words are
the cause of one line that sums up.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit.declarations import Signal
from distrokit.diagnostics import describe_exception, one_line
from distrokit.sdk_messages import caught, keep_enabled

#: Seconds between two lines about one exporter.
INTERVAL = 60.0

_UNITS: dict[Signal, str] = {"traces": "span", "metrics": "data point", "logs": "log record"}

#: An attribute of log records: what an exporter says about one attempt (``extra={"distrokit_cause": True}``).
CAUSE = "distrokit_cause"

#: What exporters say, in many words, and what it means.
_CAUSES = (
    (re.compile(r"connection refused", re.IGNORECASE), "connection refused"),
    (
        re.compile(r"name or service not known|name resolution|DNS resolution|nodename nor|no address", re.IGNORECASE),
        "the name cannot be resolved",
    ),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), "its certificate was not accepted"),
    (re.compile(r"timed out|DEADLINE_EXCEEDED", re.IGNORECASE), "no answer in time"),
)

#: What says that there was no success in the end, but not why.
_NO_CAUSE = re.compile(r"max retries or shutdown|Shutdown in progress|^Transient error")


class Losses:
    """The tally of one exporter.

    Args:
        name: of exporter and signal: ``otlp traces``.
        where: host and port it sends to; empty when that is not known.
        unit: of what is lost, in the singular.
        say: prints a line.
        causes: the last cause by place, shared by all tallies: exporters leave out what they said a minute
            ago, be it for another signal.
        clock: seconds.
    """

    def __init__(
        self,
        name: str,
        where: str,
        unit: str,
        say: Callable[[str], None],
        causes: dict[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._where, self._unit = name, where, unit
        self._say, self._clock = say, clock
        self._causes = causes
        self._lock = threading.Lock()
        self._batches = self._items = 0
        self._since: float | None = None

    def lost(self, items: int, cause: str) -> bool:
        """A batch did not arrive.

        Args:
            cause: what the exporter said; empty when it said nothing.

        Returns: whether the batch before did not arrive either.
        """
        with self._lock:
            again = self._since is not None
            self._batches += 1
            self._items += items
            if cause:
                self._causes[self._where] = self._in_short(cause)
            now = self._clock()
            if self._since is None:
                self._tell("", " Run `distrokit doctor` to see why.")
                self._since = now
            elif now - self._since >= INTERVAL:
                self._tell(f" in the last {_span(now - self._since)}")
                self._since = now
            return again

    def delivered(self) -> None:
        """A batch arrived."""
        if self._since is None:
            return
        with self._lock:
            if self._since is not None:
                self._rest()
                self._say(f"{self._name}: the receiver takes data again")
                self._since = None

    def finish(self) -> None:
        """Say what was not said yet."""
        with self._lock:
            self._rest()

    def _rest(self) -> None:
        if self._batches and self._since is not None:
            self._tell(f" in the last {_span(self._clock() - self._since)}")

    def _tell(self, when: str, more: str = "") -> None:
        lost = f"{_count(self._batches, 'batch', 'batches')}, {_count(self._items, self._unit)}"
        cause = self._causes.get(self._where, "the exporter does not say why").rstrip(".")
        self._say(f"{self._name}: {lost} lost{when}: {cause}.{more}")
        self._batches = self._items = 0

    def _in_short(self, text: str) -> str:
        for pattern, meaning in _CAUSES:
            if pattern.search(text):
                return f"{meaning} at {self._where}" if self._where else meaning
        return one_line(text, 300)


def losses_of(
    exporter: str, signal: Signal, endpoint: object, say: Callable[[str], None], causes: dict[str, str]
) -> Losses:
    """The tally of an exporter by its name, its signal and its endpoint."""
    return Losses(f"{exporter} {signal}", _place(endpoint), _UNITS[signal], say, causes)


def counted(signal: Signal, exporter: Any, losses: Losses) -> Any:
    """The exporter, and what it could not send is counted."""
    return {"traces": _Spans, "metrics": _Metrics, "logs": _Logs}[signal](exporter, losses)


class _Counted:
    """Everything but ``export`` is the exporter's own."""

    def __init__(self, exporter: Any, losses: Losses) -> None:
        # Not super().__init__(): MetricExporter's would set a temporality of its own over the exporter's.
        self._exporter = exporter
        self._losses = losses

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_exporter"], name)

    def _count(self, items: int, export: Callable[[], Any], success: Any, failure: Any) -> Any:
        keep_enabled()
        with caught() as records:
            try:
                result, cause = export(), ""
            except Exception as error:
                # The SDK would print a traceback with every batch.
                result, cause = failure, describe_exception(error)
            if result is success:
                self._losses.delivered()
                records[:] = [record for record in records if not _about_this_export(record)]
            else:
                told = _telling(records)
                again = self._losses.lost(items, cause or (told.getMessage() if told else ""))
                # Once for each outage, whatever else there was to say.
                records[:] = [r for r in records if r is not told and not again and not _about_this_export(r)]
        return result

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        self._exporter.shutdown(*args, **kwargs)
        self._losses.finish()

    def force_flush(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._exporter.force_flush(*args, **kwargs))


class _Spans(_Counted, SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        success, failure = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
        result: SpanExportResult = self._count(len(spans), lambda: self._exporter.export(spans), success, failure)
        return result


class _Logs(_Counted, LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        success, failure = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE
        result: LogRecordExportResult = self._count(len(batch), lambda: self._exporter.export(batch), success, failure)
        return result


class _Metrics(_Counted, MetricExporter):
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        points = sum(
            len(metric.data.data_points)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        result: MetricExportResult = self._count(
            points,
            lambda: self._exporter.export(metrics_data, timeout_millis=timeout_millis, **kwargs),
            MetricExportResult.SUCCESS,
            MetricExportResult.FAILURE,
        )
        return result


def _telling(records: Sequence[logging.LogRecord]) -> logging.LogRecord | None:
    """The last message that says why; where none does, the last one."""
    why = (record for record in reversed(records) if not _NO_CAUSE.search(record.getMessage()))
    return next(why, records[-1] if records else None)


def _about_this_export(record: logging.LogRecord) -> bool:
    """Of interest only as the cause of a loss."""
    return bool(getattr(record, CAUSE, False) or _NO_CAUSE.search(record.getMessage()))


def _place(endpoint: object) -> str:
    """Host and port of an endpoint; empty when it has none."""
    text = str(endpoint or "")
    parts = urlsplit(text if "://" in text else f"//{text}")
    return parts.netloc.rpartition("@")[2]


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _span(seconds: float) -> str:
    if INTERVAL <= seconds < 2 * INTERVAL:
        return "minute"
    return f"{seconds / 60:.0f} minutes" if seconds >= INTERVAL else f"{max(1, round(seconds))} s"

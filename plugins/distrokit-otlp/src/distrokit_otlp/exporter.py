"""The OTLP exporter of one signal, over any transport.

Upstream's exporters do not tell retryable failures from others, send every attempt twice, take redirects and web pages
for success, and lose a whole batch when one item cannot be encoded or when the request is one byte too large.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import ExportFailure, LossReporter
from distrokit_otlp.connection.randomness import jitter
from distrokit_otlp.request_size import RequestSize
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import Sender
from distrokit_otlp.signals import SignalInOTLP

# Below OpenTelemetry's own logger: a message of it during an export is reported as the cause of the loss.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")
#: Marks messages that are not shown when a later attempt succeeds.
_CAUSE = {"distrokit_cause": True}
#: The number of single items that may be refused for their size in one attempt. After that, items of at least the
#: smallest refused size are dropped without a request. Sizes are before compression; a receiver may check the size
#: after it.
_LARGE_ITEMS_TRIED = 8
_REASONS = {"unsure": "unsure", "refused": "failed", "too_large": "too_large", "unencodable": "unencodable"}


class _Exporter:
    """Base of the exporters of the three signals.

    Args:
        signal: the signal's encoding.
        sender: the transport; also an attribute.
        timeout_seconds: for one export.
        largest: the largest request in bytes, uncompressed; larger ones are split, and split further when the receiver
            refuses them for their size.
        lost: called with the number of lost items, the reason and the cause.
    """

    def __init__(
        self, signal: SignalInOTLP, sender: Sender, timeout_seconds: float, largest: int, lost: LossReporter
    ) -> None:
        self._signal, self.sender, self._closed = signal, sender, False
        self._timeout, self._lost = timeout_seconds, lost
        self._largest, self._remark_logged = RequestSize(largest), False
        self.forked()

    def forked(self) -> None:
        """Reset in a forked child."""
        # Items that were sent without a response, so that they may have arrived: their identity and number.
        self._unsure: tuple[Any, int] = None, 0
        self.sender.forked()

    def before_fork(self) -> None:
        """Prepare the transport for a fork."""
        self.sender.before_fork()

    def forked_in_parent(self) -> None:
        """Resume in the parent after a fork."""
        self.sender.forked_in_parent()

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Send all items once (:class:`distrokit.RetryAwareExporter`)."""
        # The receiver gets all of the time, however long the first import takes; a failure is seen again below.
        self.sender.prepare()
        deadline = time.monotonic() + min(timeout_seconds, self._timeout)
        unsure = self._count_unsure(items)
        if unsure:
            # Send them again only after the receiver answered an empty request, so that at most one duplicate arrives.
            probe = self.sender.send(self._signal.empty, deadline - time.monotonic())
            if probe.verdict == "later":
                return ExportFailure(items, probe.cause, probe.wait_seconds, probe.reached)
            self._unsure = None, 0
        parts = self._signal.split(items, unsure) if unsure else (items,)
        waiting = [part for part in reversed(parts) if self._signal.size(part)]
        # The number of items that are done, always the first ones; the cause of the last failure.
        done, failed = 0, ""
        # Sizes in bytes of single items that were refused for their size.
        refused_sizes: list[int] = []
        while waiting:
            size = self._signal.size(part := waiting.pop())
            result, length = self._send(part, deadline, refused_sizes)
            if result.verdict == "later" and result.unsure and done < unsure:
                result = SendResult("unsure", result.cause)
            if result.verdict == "later":
                left = self._signal.split(items, done)[1] if done else items
                self._unsure = _identity(left), size if result.unsure else max(0, unsure - done)
                return ExportFailure(left, result.cause, result.wait_seconds, result.reached)
            if result.verdict == "too_large" and size > 1:
                waiting += reversed(self._split_to_fit(part, length))
                continue
            done += size
            if result.verdict == "too_large":
                refused_sizes.append(length)
                result = SendResult(
                    "too_large", f"{self._signal.describe_first(part)}, {length:,} bytes: {result.cause}"
                )
            if result.verdict != "taken":
                failed = result.cause
            self._count(result, size)
        return ExportFailure(None, failed) if failed else None

    def _send(self, part: Any, deadline: float, refused_sizes: Sequence[int]) -> tuple[SendResult, int]:
        """Send a part; return the result and the request's size in bytes, 0 when it cannot be encoded."""
        many = self._signal.size(part) > 1
        impossible = self.sender.prepare()
        if impossible is not None:
            return impossible, 0
        try:
            request = self._signal.encode(part)
            size = len(request)
        except Exception as error:
            # An encoder may raise anything for an application's values. Splitting the part isolates the item.
            return SendResult("too_large" if many else "unencodable", _describe(error)), 0
        if many and size > self._largest.limit():
            return SendResult("too_large"), size
        if not many and len(refused_sizes) >= _LARGE_ITEMS_TRIED and size >= min(refused_sizes):
            return SendResult("too_large", "the receiver rejected smaller items"), size
        left = deadline - time.monotonic()
        result = (
            self.sender.send(request, left)
            if left > 0
            else SendResult("later", "the timeout expired before it was sent")
        )
        if result.verdict == "too_large" and many:
            self._largest.refused(size)
        if result.verdict != "taken":
            _logger.warning("%s not accepted: %s", self._signal.name, result.cause, extra=_CAUSE)
        return result, size

    def _count(self, result: SendResult, size: int) -> None:
        """Report lost items, and log a doubtful success once."""
        if result.verdict != "taken":
            self._lost(size, _REASONS[result.verdict], result.cause)
        elif result.rejected:
            self._lost(result.rejected, "rejected", result.cause)
        elif result.remark and not self._remark_logged:
            self._remark_logged = True
            _logger.warning("%s: %s", self._signal.name, result.remark)

    def _split_to_fit(self, part: Any, length: int) -> list[Any]:
        """Split a part into as many pieces as its size in bytes requires; into two when the size is not known."""
        size = self._signal.size(part)
        number = min(size, max(2, math.ceil(length / self._largest.limit())))
        pieces = []
        for left in range(number, 1, -1):
            piece, part = self._signal.split(part, self._signal.size(part) // left)
            pieces.append(piece)
        return [*pieces, part]

    def _count_unsure(self, items: Any) -> int:
        """Return how many of the items, always the first ones, were sent without a response."""
        mark, size = self._unsure
        return size if mark is _identity(items) else 0

    def _deliver(self, items: Any, timeout_seconds: float) -> bool:
        """Retry until the timeout, for processors that do not retry by themselves; true if all items arrived.

        Other items are reported as lost.
        """
        if self._closed:
            self._lost(self._signal.size(items), "after_shutdown")
            _logger.warning("the exporter is shut down", extra=_CAUSE)
            return False
        deadline = time.monotonic() + min(timeout_seconds, self._timeout)
        pause = 1.0
        while True:
            left = self.attempt(items, deadline - time.monotonic())
            if left is None:
                return True
            # Jitter, so that not all processes retry at the same moment.
            wait = left.wait_seconds if left.wait_seconds is not None else jitter(pause)
            again = time.monotonic() + wait
            if left.items and (self._closed or again > deadline):
                self._lost(self._signal.size(left.items), "failed", left.cause)
                left = ExportFailure(None, left.cause)
            if not left.items:
                _logger.error("%s", left.cause, extra=_CAUSE)
                return False
            while not self._closed and time.monotonic() < again:
                time.sleep(min(0.1, max(0.0, again - time.monotonic())))
            pause, items = pause * 2, left.items

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self.sender.close()


class OTLPSpanExporter(_Exporter, SpanExporter):
    """Spans over OTLP."""

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self._deliver(spans, self._timeout) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class OTLPLogExporter(_Exporter, LogRecordExporter):
    """Log records over OTLP."""

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        done = self._deliver(batch, self._timeout)
        return LogRecordExportResult.SUCCESS if done else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        self._close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class OTLPMetricExporter(_Exporter, MetricExporter):
    """Metrics over OTLP.

    Args:
        preferred: temporality and aggregation, as the SDK's ``MetricExporter`` takes them.
    """

    def __init__(
        self,
        signal: SignalInOTLP,
        sender: Sender,
        timeout_seconds: float,
        largest: int,
        lost: LossReporter,
        **preferred: Any,
    ) -> None:
        MetricExporter.__init__(self, **preferred)
        _Exporter.__init__(self, signal, sender, timeout_seconds, largest, lost)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        done = self._deliver(metrics_data, timeout_millis / 1000)
        return MetricExportResult.SUCCESS if done else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._close()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


def _identity(items: Any) -> Any:
    """Return the object that identifies a batch: the first item of a list, or the collection."""
    return items[0] if isinstance(items, list) and items else items


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200].encode("ascii", "backslashreplace").decode()

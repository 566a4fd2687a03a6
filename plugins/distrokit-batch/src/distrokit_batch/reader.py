"""The ``periodic`` metric reader: collects at an interval, and keeps each collection until it is delivered."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData, PeriodicExportingMetricReader

from distrokit import BuildContext, ExportFailure, RetryAwareExporter, count_items, uses_greenlets
from distrokit_batch.delivery import Delivery
from distrokit_batch.sizes import Sizes

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.sdk.distrokit_batch")


class PeriodicMetricReader(PeriodicExportingMetricReader):
    """A reader that retries. An infinite interval disables the own thread of the SDK's reader.

    It starts with :meth:`start_collecting`, after the first measurement: without measurements there is no thread.
    """

    def __init__(self, exporter: Any, sizes: Sizes, collect_timeout_millis: float, context: BuildContext) -> None:
        self._collect_timeout_millis = collect_timeout_millis
        self._delivery = Delivery[MetricsData](
            "distrokit-metrics",
            _attempt_of(exporter),
            exporter.shutdown,
            sizes,
            context.lost,
            weigh=count_items,
            collect=self._collect_guarded,
            exit_timeout_seconds=context.exit_timeout_millis / 1000,
        )
        self.begin_shutdown = self._delivery.begin_shutdown
        self._renewing = self._armed = False
        super().__init__(exporter, export_interval_millis=math.inf, export_timeout_millis=collect_timeout_millis)

    def start_collecting(self) -> None:
        """Start the thread that collects."""
        self._armed = True
        self._delivery.start()

    def forked(self) -> None:
        """Reset in a forked child, which must not send the parent's metrics."""
        self._delivery.forked()

    def renew(
        self, take_out: Callable[[PeriodicMetricReader], None], put_in: Callable[[PeriodicMetricReader], None]
    ) -> None:
        """Leave a provider and register again, with empty storage and without a shutdown."""
        self._renewing = True
        try:
            take_out(self)
        finally:
            self._renewing = False
        put_in(self)
        if self._armed and not _awaits_gevent_patch():
            # With observable instruments only, no measurement would start the thread.
            self._delivery.start()

    def _collect_guarded(self) -> None:
        # A callback may time out (MetricsTimeoutError), or the SDK may raise: log it, and collect again at the next
        # interval.
        try:
            self.collect(timeout_millis=self._collect_timeout_millis)
        except Exception as error:
            _logger.warning("metrics could not be collected: %s: %s", type(error).__name__, error)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> None:
        if count_items(metrics_data):
            self._delivery.put(metrics_data, during_shutdown=True)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        if not self._renewing:
            self._delivery.shutdown()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect and export; true if all metrics arrived within the timeout."""
        return self._delivery.flush(timeout_millis / 1000)


def _attempt_of(exporter: RetryAwareExporter) -> Callable[[list[MetricsData], float], ExportFailure | None]:
    """Return the exporter's ``attempt`` for a batch, which is one collection."""

    def attempt(batch: list[MetricsData], seconds: float) -> ExportFailure | None:
        left = exporter.attempt(batch[0], seconds)
        return left and replace(left, items=[left.items] if left.items else [])

    return attempt


def _awaits_gevent_patch() -> bool:
    """True if gevent is imported and has not patched :mod:`threading` yet, as in a gunicorn worker that starts.

    A thread that starts before the patch is a real thread among greenlets, and CPython reports an error when it ends.
    So the reader waits for :meth:`PeriodicMetricReader.start_collecting`: the next measurement, or the first export.
    """
    return "gevent.monkey" in sys.modules and not uses_greenlets()

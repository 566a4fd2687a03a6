"""``periodic`` for metrics: collects at an interval, and keeps what was collected until the exporter has taken it."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData, PeriodicExportingMetricReader

from distrokit import BuildContext, ExportFailure, RetryAwareExporter
from distrokit_batch.delivery import Delivery
from distrokit_batch.greenlets import uses_greenlets
from distrokit_batch.sizes import Sizes

# Below OpenTelemetry's own, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.sdk.distrokit_batch")


class PeriodicMetricReader(PeriodicExportingMetricReader):
    """The SDK's reader, whose own thread an interval of infinity switches off.

    It begins with :meth:`arm`, after the first measurement: a process that measures nothing has no thread.
    """

    def __init__(self, exporter: Any, sizes: Sizes, collect_timeout_millis: float, context: BuildContext) -> None:
        self._collect_timeout_millis = collect_timeout_millis
        self._delivery = Delivery[MetricsData](
            "distrokit-metrics",
            _attempt_of(exporter),
            exporter.shutdown,
            sizes,
            context.lost,
            weigh=count_points,
            collect=self._collect_guarded,
            exit_timeout_seconds=context.exit_timeout_millis / 1000,
        )
        self.begin_shutdown = self._delivery.begin_shutdown
        self._renewing = self._armed = False
        super().__init__(exporter, export_interval_millis=math.inf, export_timeout_millis=collect_timeout_millis)

    def start_collecting(self) -> None:
        """Begin to collect."""
        self._armed = True
        self._delivery.start()

    def forked(self) -> None:
        """In a child: nothing of the parent's is sent here."""
        self._delivery.forked()

    def renew(
        self, take_out: Callable[[PeriodicMetricReader], None], put_in: Callable[[PeriodicMetricReader], None]
    ) -> None:
        """Be taken out of a provider and put in again, with empty storage, without being shut down."""
        self._renewing = True
        try:
            take_out(self)
        finally:
            self._renewing = False
        put_in(self)
        if self._armed and not _awaits_gevent_patch():
            # There may be observable instruments, and no other measurement.
            self._delivery.start()

    def _collect_guarded(self) -> None:
        # A callback that takes longer than it may (MetricsTimeoutError), or a fault of the SDK's: the next interval is
        # another try, and it is said by the SDK's own logger, which reaches stderr.
        try:
            self.collect(timeout_millis=self._collect_timeout_millis)
        except Exception as error:
            _logger.warning("metrics could not be collected: %s: %s", type(error).__name__, error)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> None:
        if count_points(metrics_data):
            self._delivery.put(metrics_data, during_shutdown=True)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        if not self._renewing:
            self._delivery.shutdown()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect; whether it has arrived within this time."""
        return self._delivery.flush(timeout_millis / 1000)


def _attempt_of(exporter: RetryAwareExporter) -> Callable[[list[MetricsData], float], ExportFailure | None]:
    """As for other signals; a batch is one collection."""

    def attempt(batch: list[MetricsData], seconds: float) -> ExportFailure | None:
        left = exporter.attempt(batch[0], seconds)
        return left and replace(left, items=[left.items] if left.items else [])

    return attempt


def _awaits_gevent_patch() -> bool:
    """Whether gevent is there and has not patched :mod:`threading` yet, as in a worker of gunicorn's at its beginning.

    A thread that begins before that is a real one among greenlets, and CPython complains when it ends. So it waits for
    :meth:`PeriodicMetricReader.arm`: the next measurement, or the first export.
    """
    return "gevent.monkey" in sys.modules and not uses_greenlets()


def count_points(metrics_data: MetricsData) -> int:
    """How many data points there are in a collection."""
    return sum(
        len(metric.data.data_points)
        for resource in metrics_data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )

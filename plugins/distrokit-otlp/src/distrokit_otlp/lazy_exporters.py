"""Upstream exporters that are imported and made with the first export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from distrokit import Signal
from distrokit_otlp.lazy import Lazy


class _LazyExporter(Lazy):
    """Base of the lazy exporters of the three signals."""

    def export(self, *items: Any, **arguments: Any) -> Any:
        """Export with the exporter, which is made if necessary; raises what either raises."""
        return self.get().export(*items, **arguments)

    def shutdown(self, *timeout: Any, **arguments: Any) -> None:
        """Shut the exporter down, if it was made."""
        if self.value is not None:
            self.value.shutdown(*timeout, **arguments)

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Flush the exporter, if it was made."""
        return self.value is None or bool(self.value.force_flush(timeout_millis))


class _Spans(_LazyExporter, SpanExporter): ...


class _Logs(_LazyExporter, LogRecordExporter): ...


class _Metrics(_LazyExporter, MetricExporter):
    def __init__(self, make: Callable[[], Any], preferred: dict[str, Any]) -> None:
        MetricExporter.__init__(self, **preferred)
        _LazyExporter.__init__(self, make)


def lazy_exporter(signal: Signal, make: Callable[[], Any], preferred: dict[str, Any]) -> Any:
    """Return a lazy exporter of this signal.

    Args:
        make: makes the real exporter.
        preferred: for metrics, temporality and aggregation, as the SDK's ``MetricExporter`` takes them.
    """
    if signal == "metrics":
        return _Metrics(make, preferred)
    return _Spans(make) if signal == "traces" else _Logs(make)

"""Declares the SDK's processors that feed exporters, and makes ``batch`` and ``periodic`` the defaults.

Sources: specification, "Batch Span Processor", "Batch LogRecord Processor", "Periodic exporting
MetricReader" in *Environment Variables*; classes of ``opentelemetry.sdk``.
"""

from __future__ import annotations

from typing import Any

from distrokit import BuildContext, Processor, Reader, Value, hookimpl


@hookimpl(trylast=True)
def distrokit_defaults() -> dict[str, str]:
    """What feeds the exporters when nobody says."""
    return {
        "DISTROKIT_TRACES_PROCESSOR": "batch",
        "DISTROKIT_LOGS_PROCESSOR": "batch",
        "DISTROKIT_METRICS_READER": "periodic",
    }


@hookimpl(trylast=True)
def distrokit_processors() -> list[Processor]:
    """``batch`` and ``simple`` for traces and logs, ``periodic`` for metrics."""
    return [
        Processor("batch", ("traces", "logs"), "export", _batch, _batch_parameters),
        Processor("simple", ("traces", "logs"), "export", _simple),
        Processor("periodic", "metrics", "export", _periodic, _periodic_parameters),
    ]


def _batch_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Sizes in items, times in milliseconds; a batch larger than the queue is cut to the queue."""
    prefix, delay = ("OTEL_BSP", 5000) if reader.signal == "traces" else ("OTEL_BLRP", 1000)
    queue = reader.integer(f"{prefix}_MAX_QUEUE_SIZE", 2048, minimum=1)
    batch = reader.integer(f"{prefix}_MAX_EXPORT_BATCH_SIZE", min(512, queue.value), minimum=1)
    if batch.value > queue.value:
        reader.problem(
            code="setting-invalid",
            setting=f"{prefix}_MAX_EXPORT_BATCH_SIZE",
            value=str(batch.value),
            cause=f"larger than {prefix}_MAX_QUEUE_SIZE={queue.value}",
            outcome=f"{queue.value} is used instead",
            remedy="Make the queue larger or the batch smaller.",
        )
        batch = Value(queue.value, queue.source)
    return {
        "max_queue_size": queue,
        "max_export_batch_size": batch,
        "schedule_delay_millis": reader.integer(f"{prefix}_SCHEDULE_DELAY", delay, minimum=1),
        "export_timeout_millis": reader.integer(f"{prefix}_EXPORT_TIMEOUT", 30_000, minimum=1),
    }


def _batch(exporter: Any, context: BuildContext) -> Any:
    if context.signal == "traces":
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        return BatchSpanProcessor(exporter, **context.arguments)
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    return BatchLogRecordProcessor(exporter, **context.arguments)


def _simple(exporter: Any, context: BuildContext) -> Any:
    if context.signal == "traces":
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(exporter)
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    return SimpleLogRecordProcessor(exporter)


def _periodic_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Times in milliseconds."""
    return {
        "export_interval_millis": reader.integer("OTEL_METRIC_EXPORT_INTERVAL", 60_000, minimum=1),
        "export_timeout_millis": reader.integer("OTEL_METRIC_EXPORT_TIMEOUT", 30_000, minimum=1),
    }


def _periodic(exporter: Any, context: BuildContext) -> Any:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(exporter, **context.arguments)

"""Declares the processors that feed exporters, and makes ``batch`` and ``periodic`` the defaults.

Sources: specification, "Batch Span Processor", "Batch LogRecord Processor", "Periodic exporting
MetricReader" in *Environment Variables*; classes of ``opentelemetry.sdk``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from distrokit import BuildContext, Processor, Reader, Setting, Value, hookimpl
from distrokit_batch.memory import LARGEST_BURST, default_burst
from distrokit_batch.sizes import NO_LIMIT, Sizes

_SPEC = "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/"

#: The schema's properties of a metric reader that the SDK's reader does not support. ``cardinality_limits`` is no
#: property of the reader: it selects a processor.
_UNSUPPORTED = ("producers", "max_export_batch_size/development")


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Declare the settings of processors and reader."""
    batch = [
        Setting(
            name=f"{prefix}_{name}",
            kind="integer",
            default=str(default),
            unit=unit,
            consumer="batch",
            meaning=f"{meaning} of {items}",
            spec=f"{_SPEC}#{section}",
            parameter=True,
            ignored_with_file=True,
        )
        for prefix, items, delay, section in (
            ("OTEL_BSP", "spans", 5000, "batch-span-processor"),
            ("OTEL_BLRP", "log records", 1000, "batch-logrecord-processor"),
        )
        for name, default, unit, meaning in (
            ("SCHEDULE_DELAY", delay, "ms", "time between two exports"),
            ("EXPORT_TIMEOUT", 30_000, "ms", "timeout of one export"),
            ("MAX_QUEUE_SIZE", 2048, "items", "size of the queue"),
            ("MAX_EXPORT_BATCH_SIZE", 512, "items", "size of the largest batch"),
        )
    ]
    periodic = [
        Setting(
            name=f"OTEL_METRIC_EXPORT_{name}",
            kind="integer",
            default=default,
            unit="ms",
            consumer="batch",
            meaning=meaning,
            spec=f"{_SPEC}#periodic-exporting-metricreader",
            parameter=True,
            ignored_with_file=True,
        )
        for name, default, meaning in (
            ("INTERVAL", "60000", "time between two exports of metrics"),
            ("TIMEOUT", "30000", "timeout of one export of metrics"),
        )
    ]
    own = [
        Setting(
            name="DISTROKIT_BATCH",
            kind="one of distrokit, sdk",
            default="distrokit",
            consumer="batch",
            meaning="the implementation of `batch` and `periodic`; the SDK's drops a batch that was not delivered, "
            "ignores timeouts, counts no losses, and counts the parent's metrics again in a forked child",
            parameter=True,
        ),
        Setting(
            name="DISTROKIT_QUEUE_FULL",
            kind="one of drop-oldest, drop-newest",
            default="drop-oldest",
            consumer="batch",
            meaning="the item that a full queue drops",
            parameter=True,
        ),
        Setting(
            name="DISTROKIT_BURST_QUEUE_SIZE",
            kind="integer",
            default=str(LARGEST_BURST),
            unit="items",
            consumer="batch",
            meaning="the size up to which a queue of spans or log records grows while the receiver accepts them; "
            "by default less where memory is short, and no growth where the size of the queue is set",
            parameter=True,
        ),
        Setting(
            name="DISTROKIT_METRICS_QUEUE_SIZE",
            kind="integer",
            default="30",
            unit="collections",
            consumer="batch",
            meaning="size of the queue of collected metrics, which fills while the receiver is unavailable",
            parameter=True,
        ),
    ]
    return [*batch, *periodic, *own]


@hookimpl(trylast=True)
def distrokit_defaults() -> dict[str, str]:
    """Select ``batch`` and ``periodic`` by default."""
    return {
        "DISTROKIT_TRACES_PROCESSOR": "batch",
        "DISTROKIT_LOGS_PROCESSOR": "batch",
        "DISTROKIT_METRICS_READER": "periodic",
    }


@hookimpl(trylast=True)
def distrokit_processors() -> list[Processor]:
    """Declare ``batch`` and ``simple`` for traces and logs, ``periodic`` for metrics."""
    return [
        Processor("batch", ("traces", "logs"), "export", _batch, _batch_parameters),
        Processor("simple", ("traces", "logs"), "export", _simple),
        Processor("periodic", "metrics", "export", _periodic, _periodic_parameters),
    ]


def _batch_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read sizes in items and times in milliseconds; a batch size above the queue size is lowered to it."""
    prefix, delay = ("OTEL_BSP", 5000) if reader.signal == "traces" else ("OTEL_BLRP", 1000)
    queue = reader.integer(f"{prefix}_MAX_QUEUE_SIZE", 2048, minimum=1, key="max_queue_size")
    batch = reader.integer(
        f"{prefix}_MAX_EXPORT_BATCH_SIZE", min(512, queue.value), minimum=1, key="max_export_batch_size"
    )
    if batch.value > queue.value:
        reader.problem(
            code="setting-invalid",
            setting=f"{batch.source} max_export_batch_size" if reader.in_file else f"{prefix}_MAX_EXPORT_BATCH_SIZE",
            value=str(batch.value),
            cause=f"larger than the queue, which holds {queue.value} ({queue.source})",
            outcome=f"{queue.value} is used instead",
            remedy="Make the queue larger or the batch smaller.",
        )
        batch = Value(queue.value, queue.source, key="max_export_batch_size")
    return {
        "max_queue_size": queue,
        "burst_queue_size": _burst(reader, queue),
        "max_export_batch_size": batch,
        "schedule_delay_millis": reader.integer(f"{prefix}_SCHEDULE_DELAY", delay, key="schedule_delay"),
        "export_timeout_millis": reader.integer(f"{prefix}_EXPORT_TIMEOUT", 30_000, key="export_timeout"),
        **_own_parameters(reader),
    }


def _burst(reader: Reader, queue: Value[int]) -> Value[int]:
    """Read the size of the queue in a burst; a size of the queue that somebody has set is a limit."""
    asked = reader.integer("DISTROKIT_BURST_QUEUE_SIZE", 0)
    if 0 < asked.value < queue.value:
        reader.problem(
            code="setting-invalid",
            setting="DISTROKIT_BURST_QUEUE_SIZE",
            value=str(asked.value),
            cause=f"smaller than the queue, which holds {queue.value} ({queue.source})",
            outcome=f"{queue.value} is used instead, so the queue does not grow",
            remedy="Make it larger, or set it to the size of the queue for no growth.",
        )
    # Without a value of its own, it follows the size of the queue, where somebody has set that.
    size = asked.value or (default_burst() if queue.source == asked.source else 0)
    return Value(max(size, queue.value), asked.source)


def _own_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the parameters that the configuration file's schema does not have; they always come from settings."""
    return {
        "implementation": reader.choice("DISTROKIT_BATCH", ("distrokit", "sdk"), "distrokit"),
        "queue_full": reader.choice("DISTROKIT_QUEUE_FULL", ("drop-oldest", "drop-newest"), "drop-oldest"),
    }


def _sizes(context: BuildContext) -> Sizes:
    arguments = context.arguments
    return Sizes(
        queue=arguments["max_queue_size"],
        batch=arguments.get("max_export_batch_size", 1),
        # 0 is no delay (specification, *Batching processor*); a thread that never waits would use a whole core.
        delay_seconds=max(1, arguments["schedule_delay_millis"]) / 1000,
        timeout_seconds=(arguments["export_timeout_millis"] or NO_LIMIT) / 1000,
        drop_newest=arguments["queue_full"] == "drop-newest",
        burst=arguments.get("burst_queue_size", 0),
    )


def _batch(exporter: Any, context: BuildContext) -> Any:
    if context.arguments["implementation"] == "sdk":
        from distrokit_batch.sdk import sdk_batch

        return sdk_batch(exporter, context)
    from distrokit_batch.processors import BatchLogRecordProcessor, BatchSpanProcessor

    return (BatchSpanProcessor if context.signal == "traces" else BatchLogRecordProcessor)(
        exporter, _sizes(context), context
    )


def _simple(exporter: Any, context: BuildContext) -> Any:
    if context.signal == "traces":
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(exporter)
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    return SimpleLogRecordProcessor(exporter)


def _periodic_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read times in milliseconds, and the queue's size in collections."""
    for name in _UNSUPPORTED:
        node = reader.node(name)
        if node is not None:
            reader.problem(
                code="file-part-unsupported",
                setting=f"{node.source} {name}",
                value="",
                cause="OpenTelemetry Python does not support this",
                outcome="it has no effect",
                remedy="Remove it.",
            )
    return {
        "export_interval_millis": reader.integer("OTEL_METRIC_EXPORT_INTERVAL", 60_000, minimum=1, key="interval"),
        "export_timeout_millis": reader.integer("OTEL_METRIC_EXPORT_TIMEOUT", 30_000, key="timeout"),
        "max_queue_size": reader.integer("DISTROKIT_METRICS_QUEUE_SIZE", 30, minimum=1),
        **_own_parameters(reader),
    }


def _periodic(exporter: Any, context: BuildContext) -> Any:
    if context.arguments["implementation"] == "sdk":
        from distrokit_batch.sdk import sdk_periodic

        return sdk_periodic(exporter, context)
    from distrokit_batch.reader import PeriodicMetricReader

    arguments = {**context.arguments, "schedule_delay_millis": context.arguments["export_interval_millis"]}
    timeout = arguments["export_timeout_millis"] or NO_LIMIT
    return PeriodicMetricReader(exporter, _sizes(replace(context, arguments=arguments)), timeout, context)

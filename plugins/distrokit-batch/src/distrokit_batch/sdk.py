"""``DISTROKIT_BATCH=sdk``: the SDK's own batch processors and reader."""

from __future__ import annotations

from typing import Any

from distrokit import BuildContext
from distrokit_batch.sizes import NO_LIMIT


def sdk_batch(exporter: Any, context: BuildContext) -> Any:
    """Make the SDK's ``BatchSpanProcessor`` or ``BatchLogRecordProcessor``."""
    arguments = context.arguments
    # The specification allows 0 (no delay, no limit); the SDK rejects it.
    times_and_sizes = {
        "schedule_delay_millis": max(1, arguments["schedule_delay_millis"]),
        "export_timeout_millis": arguments["export_timeout_millis"] or NO_LIMIT,
        **{name: arguments[name] for name in ("max_queue_size", "max_export_batch_size")},
    }
    if context.signal == "traces":
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        return BatchSpanProcessor(exporter, **times_and_sizes)
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    return BatchLogRecordProcessor(exporter, **times_and_sizes)


def sdk_periodic(exporter: Any, context: BuildContext) -> Any:
    """Make the SDK's ``PeriodicExportingMetricReader``."""
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(
        exporter,
        export_interval_millis=context.arguments["export_interval_millis"],
        # 0 is no limit (configuration schema, PeriodicMetricReader).
        export_timeout_millis=context.arguments["export_timeout_millis"] or NO_LIMIT,
    )

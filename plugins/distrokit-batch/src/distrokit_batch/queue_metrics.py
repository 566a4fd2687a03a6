"""The size of a queue as the SDK's own metrics have it (semantic conventions, *OpenTelemetry SDK metrics*)."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from distrokit import BuildContext

_SWITCH = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"


def observe_queue(context: BuildContext, size: Callable[[], int], capacity: int) -> None:
    """Registration size and capacity of a queue of spans or log records, when that is asked for."""
    if not context.settings.flag(_SWITCH):
        return
    item, unit = ("span", "{span}") if context.signal == "traces" else ("log", "{log_record}")
    meter = metrics.get_meter("opentelemetry-sdk")
    own = {
        "otel.component.name": f"batching_{item}_processor/{context.name}",
        "otel.component.type": f"batching_{item}_processor",
    }

    def observer(value: Callable[[], int]) -> Callable[[CallbackOptions], list[Observation]]:
        return lambda options: [Observation(value(), own)]

    for name, value, description in (
        ("size", size, "What waits in the queue."),
        ("capacity", lambda: capacity, "What the queue holds at most."),
    ):
        meter.create_observable_up_down_counter(
            f"otel.sdk.processor.{item}.queue.{name}", [observer(value)], unit=unit, description=description
        )

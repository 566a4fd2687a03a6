"""Reports the size of a queue as a metric (semantic conventions, *OpenTelemetry SDK metrics*)."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from distrokit import BuildContext

_SWITCH = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"


def observe_queue(context: BuildContext, size: Callable[[], int], capacity: int) -> None:
    """Register metrics of a queue's size and capacity, if the setting enables them."""
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
        ("size", size, "The number of items in the queue."),
        ("capacity", lambda: capacity, "The largest number of items in the queue."),
    ):
        meter.create_observable_up_down_counter(
            f"otel.sdk.processor.{item}.queue.{name}", [observer(value)], unit=unit, description=description
        )

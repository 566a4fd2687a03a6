"""The SDK's own metrics about what it sends, for exporters and processors that are not the SDK's.

Names and attributes: semantic conventions, *OpenTelemetry SDK metrics*; the SDK emits the same for its own classes,
when ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED=true``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from opentelemetry import metrics

from distrokit.declarations import Signal
from distrokit.settings import Settings

SWITCH = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
_ITEMS: dict[Signal, str] = {"traces": "span", "logs": "log", "metrics": "metric_data_point"}
#: What never came as far as the exporter.
_BEFORE = {"queue_full", "exit", "after_shutdown"}


class SelfMetrics:
    """Of one exporter and what feeds it.

    Args:
        exporter: its name, which is the ``otel.component.name``.
        protocol: what it speaks, which is in the ``otel.component.type``; empty when that is not known.
    """

    def __init__(self, signal: Signal, exporter: str, protocol: str = "") -> None:
        meter, item = metrics.get_meter("opentelemetry-sdk"), _ITEMS[signal]
        self._exported = meter.create_counter(
            f"otel.sdk.exporter.{item}.exported", unit=f"{{{item}}}", description="What an exporter is done with."
        )
        self._processed = None
        if signal != "metrics":
            self._processed = meter.create_counter(
                f"otel.sdk.processor.{item}.processed", unit=f"{{{item}}}", description="What a processor is done with."
            )
        kind = {"grpc": "otlp_grpc_", "http/protobuf": "otlp_http_", "http/json": "otlp_http_json_"}.get(protocol, "")
        self._of_exporter = {
            "otel.component.name": f"{exporter}/{signal}",
            "otel.component.type": f"{kind}{item}_exporter" if kind else exporter,
        }
        self._of_processor = {
            "otel.component.name": f"batching_{item}_processor/{exporter}",
            "otel.component.type": f"batching_{item}_processor",
        }

    def done(self, arrived: int, lost: Mapping[str, int]) -> None:
        """One try of an exporter's: how many arrived, and how many are lost, by reason."""
        passed = arrived + sum(lost.values())
        if self._processed is not None and passed:
            self._processed.add(passed, self._of_processor)
        if arrived:
            self._exported.add(arrived, self._of_exporter)
        for reason, number in lost.items():
            self._exported.add(number, {**self._of_exporter, "error.type": reason})

    def dropped(self, items: int, reason: str) -> None:
        """Lost before any exporter saw them."""
        if reason in _BEFORE and self._processed is not None:
            self._processed.add(items, {**self._of_processor, "error.type": reason})


def lost_since(before: Counter[str], now: Counter[str]) -> dict[str, int]:
    """What an exporter has lost between two tallies, by reason."""
    return {
        reason: number - before[reason]
        for reason, number in now.items()
        if reason not in _BEFORE and number > before[reason]
    }


def self_metrics_of(settings: Settings, signal: Signal, exporter: str, parameters: Mapping[str, Any]) -> Any:
    """``None`` unless they are asked for."""
    if not settings.flag(SWITCH):
        return None
    return SelfMetrics(signal, exporter, str(parameters.get("protocol", "")))

"""The SDK's own metrics about what it sends, for exporters and processors that are not the SDK's.

Names, units and attributes: semantic conventions, *OpenTelemetry SDK metrics*; the SDK emits the same for its own
classes, when ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED=true``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import metrics

from distrokit.declarations import Signal
from distrokit.export import ExportFailure
from distrokit.pipeline.loss_words import BY_TRANSFORM
from distrokit.settings.layers import Settings

SWITCH = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
#: Per signal: in the names of metrics, in the types of components, and the unit.
_ITEMS: dict[Signal, tuple[str, str, str]] = {
    "traces": ("span", "span", "{span}"),
    "logs": ("log", "log", "{log_record}"),
    "metrics": ("metric_data_point", "metric", "{data_point}"),
}
_PROTOCOLS = {"grpc": "otlp_grpc_", "http/protobuf": "otlp_http_", "http/json": "otlp_http_json_"}
#: What never came as far as the exporter, and the ``error.type`` that it has there.
_BEFORE = {"queue_full": "queue_full", "exit": "exit", "after_shutdown": "already_shutdown"}
#: The schemes that have a port of their own; without a scheme it is grpc.
_PORTS = {"http": 80, "https": 443, "": 443}

Attempt = Callable[[Any, float], "ExportFailure | None"]


class SelfMetrics:
    """Of one exporter and what feeds it.

    Args:
        exporter: its name, which is in the ``otel.component.name``.
        protocol: what it speaks, which is in the ``otel.component.type``; empty when that is not known.
        endpoint: where it sends to; empty when that is not known.
    """

    def __init__(self, signal: Signal, exporter: str, protocol: str = "", endpoint: str = "") -> None:
        name, kind, self._unit = _ITEMS[signal]
        self._exporter_metrics = f"otel.sdk.exporter.{name}"
        self._meter = metrics.get_meter("opentelemetry-sdk")
        self._processed = None
        if signal != "metrics":
            self._processed = self._meter.create_counter(
                f"otel.sdk.processor.{name}.processed",
                unit=self._unit,
                description="Items that the processor is done with, successfully or not.",
            )
        speaks = _PROTOCOLS.get(protocol)
        self._of_exporter = {
            "otel.component.name": f"{exporter}/{signal}",
            "otel.component.type": exporter if speaks is None else f"{speaks}{kind}_exporter",
            **_server(endpoint),
        }
        self._of_processor = {
            "otel.component.name": f"batching_{kind}_processor/{exporter}",
            "otel.component.type": f"batching_{kind}_processor",
        }

    def watched(self, attempt: Attempt, size: Callable[[Any], int], totals: Callable[[], Counter[str]]) -> Attempt:
        """The exporter's ``attempt``, which counts.

        Args:
            size: how many items there are in a batch.
            totals: what the exporter has lost by now, by reason.
        """
        name, meter, own = self._exporter_metrics, self._meter, self._of_exporter
        exported = meter.create_counter(
            f"{name}.exported",
            unit=self._unit,
            description="Items that the exporter is done with, successfully or not.",
        )
        inflight = meter.create_up_down_counter(
            f"{name}.inflight",
            unit=self._unit,
            description="Items that were passed to the exporter and not answered yet.",
        )
        duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration", unit="s", description="The duration of one try to export a batch."
        )

        def watched(items: Any, timeout_seconds: float) -> ExportFailure | None:
            before, number, since = totals(), size(items), perf_counter()
            failure: dict[str, str] = {}
            lost: dict[str, int] = {}
            kept = 0
            inflight.add(number, own)
            try:
                left = attempt(items, timeout_seconds)
                lost = _lost_since(before, totals())
                if left is not None:
                    kept = size(left.items) if left.items else 0
                    failure = {"error.type": next(iter(lost), "failed")}
                return left
            except BaseException as error:
                failure = {"error.type": type(error).__qualname__}
                lost = {failure["error.type"]: number}
                raise
            finally:
                inflight.add(-number, own)
                duration.record(perf_counter() - since, {**own, **failure})
                arrived = number - kept - sum(lost.values())
                if arrived > 0:
                    exported.add(arrived, own)
                for reason, items_lost in lost.items():
                    exported.add(items_lost, {**own, "error.type": reason})

        return watched

    def processed(self, items: int) -> None:
        """A processor of distrokit's is done with these: the exporter will not be given them once more."""
        if items and self._processed is not None:
            self._processed.add(items, self._of_processor)

    def dropped(self, items: int, reason: str) -> None:
        """Lost before any exporter saw them."""
        if reason in _BEFORE and self._processed is not None:
            self._processed.add(items, {**self._of_processor, "error.type": _BEFORE[reason]})

    def failed_before(self, items: int, error_type: str) -> None:
        """Lost since a transform failed on them."""
        if self._processed is not None:
            self._processed.add(items, {**self._of_processor, "error.type": error_type})


def _server(endpoint: str) -> dict[str, Any]:
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        server = {"server.address": parts.hostname, "server.port": parts.port or _PORTS.get(parts.scheme)}
    except ValueError:
        return {}
    return {name: value for name, value in server.items() if value}


def _lost_since(before: Counter[str], now: Counter[str]) -> dict[str, int]:
    """What an exporter has lost between two tallies, by reason."""
    return {
        reason: number - before[reason]
        for reason, number in now.items()
        if reason not in _BEFORE and not reason.startswith(BY_TRANSFORM) and number > before[reason]
    }


def self_metrics_of(settings: Settings, signal: Signal, exporter: str, parameters: Mapping[str, Any]) -> Any:
    """``None`` unless they are asked for."""
    if not settings.flag(SWITCH):
        return None
    texts = {name: str(parameters.get(name) or "") for name in ("protocol", "endpoint")}
    return SelfMetrics(signal, exporter, **texts)

"""The SDK's metrics about itself, for exporters and processors that are not the SDK's.

Names, units and attributes: semantic conventions, *OpenTelemetry SDK metrics*; the SDK emits the same for its own
classes if ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED=true``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import metrics

from distrokit.declarations import Signal
from distrokit.export import ExportFailure, count_items
from distrokit.pipeline.loss_words import TRANSFORM_PREFIX
from distrokit.settings.layers import Settings

SWITCH = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
#: Per signal: the word in metric names, the word in component types, and the unit.
_ITEMS: dict[Signal, tuple[str, str, str]] = {
    "traces": ("span", "span", "{span}"),
    "logs": ("log", "log", "{log_record}"),
    "metrics": ("metric_data_point", "metric", "{data_point}"),
}
_PROTOCOLS = {"grpc": "otlp_grpc_", "http/protobuf": "otlp_http_", "http/json": "otlp_http_json_"}
#: Reasons of losses before the exporter, with their ``error.type``.
_BEFORE = {"queue_full": "queue_full", "exit": "exit", "after_shutdown": "already_shutdown"}
#: Default ports by scheme; an endpoint without a scheme is grpc.
_PORTS = {"http": 80, "https": 443, "": 443}

Attempt = Callable[[Any, float], "ExportFailure | None"]


class SelfMetrics:
    """The metrics of one exporter and of the processor that feeds it.

    Args:
        exporter: its name, part of ``otel.component.name``.
        protocol: part of ``otel.component.type``; empty if unknown.
        endpoint: source of ``server.address`` and ``server.port``; empty if unknown.
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
                description="Items whose processing has finished, successfully or not.",
            )
        prefix = _PROTOCOLS.get(protocol)
        self._of_exporter = {
            "otel.component.name": f"{exporter}/{signal}",
            "otel.component.type": exporter if prefix is None else f"{prefix}{kind}_exporter",
            **_server(endpoint),
        }
        self._of_processor = {
            "otel.component.name": f"batching_{kind}_processor/{exporter}",
            "otel.component.type": f"batching_{kind}_processor",
        }

    def count_attempts(self, attempt: Attempt, totals: Callable[[], Counter[str]]) -> Attempt:
        """Return the exporter's ``attempt`` with these metrics recorded around it.

        Args:
            totals: returns the number of items that the exporter has lost so far, by reason.
        """
        name, meter, own = self._exporter_metrics, self._meter, self._of_exporter
        exported = meter.create_counter(
            f"{name}.exported",
            unit=self._unit,
            description="Items whose export has finished, successfully or not.",
        )
        inflight = meter.create_up_down_counter(
            f"{name}.inflight",
            unit=self._unit,
            description="Items passed to the exporter whose export has not finished.",
        )
        duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration",
            unit="s",
            description="Duration of one attempt to export a batch.",
        )

        def counting_attempt(items: Any, timeout_seconds: float) -> ExportFailure | None:
            before, number, since = totals(), count_items(items), perf_counter()
            failure: dict[str, str] = {}
            lost: dict[str, int] = {}
            kept = 0
            inflight.add(number, own)
            try:
                left = attempt(items, timeout_seconds)
                lost = _lost_since(before, totals())
                if left is not None:
                    kept = count_items(left.items) if left.items else 0
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

        return counting_attempt

    def add_processed(self, items: int) -> None:
        """Count items that a processor of distrokit passed to the exporter for the last time."""
        if items and self._processed is not None:
            self._processed.add(items, self._of_processor)

    def add_dropped(self, items: int, reason: str) -> None:
        """Count items that were lost before they reached the exporter; ignore other reasons."""
        if reason in _BEFORE and self._processed is not None:
            self._processed.add(items, {**self._of_processor, "error.type": _BEFORE[reason]})

    def add_failed(self, items: int, error_type: str) -> None:
        """Count items that were lost because a transform failed on them."""
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
    """Return the items that an exporter lost between two totals, by reason."""
    return {
        reason: number - before[reason]
        for reason, number in now.items()
        if reason not in _BEFORE and not reason.startswith(TRANSFORM_PREFIX) and number > before[reason]
    }


def self_metrics_of(settings: Settings, signal: Signal, exporter: str, parameters: Mapping[str, Any]) -> Any:
    """Return the metrics of one exporter; ``None`` unless the setting enables them."""
    if not settings.flag(SWITCH):
        return None
    texts = {name: str(parameters.get(name) or "") for name in ("protocol", "endpoint")}
    return SelfMetrics(signal, exporter, **texts)

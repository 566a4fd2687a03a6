"""Encodes the items of each signal as OTLP requests, and splits them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData

from distrokit import ExporterOptions, Signal, count_items
from distrokit_otlp.modules import require
from distrokit_otlp.own_parameters import OWN_ENCODER

#: Length of a name in a message, in characters.
_NAME_LENGTH = 80


class SignalInOTLP(ABC):
    """The encoding of one signal. The encoders are imported when they are needed, which the transport prepares.

    Args:
        encoder: ``distrokit`` or ``upstream``.
        json: encode as JSON in place of protobuf.

    Attributes:
        name: the signal.
        method: the full name of the grpc method.
        request: the name of the message that is sent.
        empty: a request without items, which receivers accept.
        content_type: of HTTP requests.
    """

    name: Signal
    method: str
    request: str

    def __init__(self, encoder: str = OWN_ENCODER, *, json: bool = False) -> None:
        self._encoder, self._json = encoder, json
        self._encode: Callable[[Any], bytes] | None = None
        self.empty = b"{}" if json else b""
        self.content_type = "application/json" if json else "application/x-protobuf"

    def prepare(self) -> None:
        """Import the encoder."""
        if self._encode is None:
            self._encode = self._make_encoder()

    def encode(self, items: Any) -> bytes:
        """Return the request; raises what the encoder raises for items that it cannot encode."""
        self.prepare()
        encode: Any = self._encode
        return bytes(encode(items))

    def _make_encoder(self) -> Callable[[Any], bytes]:
        if self._encoder == OWN_ENCODER:
            return self._make_own_encoder()
        if self._json:
            from distrokit_otlp.json_encoders import ENCODERS as JSON_ENCODERS

            return JSON_ENCODERS[self.name]
        from distrokit_otlp.encoders import ENCODERS

        return ENCODERS[self.name]

    def _make_own_encoder(self) -> Callable[[Any], bytes]:
        from distrokit_otlp.wire.repairs import Repairs

        write = self.writer(Repairs())
        if not self._json:
            return write
        from distrokit_otlp.wire.json_form import JsonForm

        form = JsonForm(self.request)
        return lambda items: form(write(items))

    @abstractmethod
    def writer(self, repairs: Any) -> Callable[[Any], bytes]:
        """Return our own encoder to protobuf, which counts the values that it has to change."""

    @abstractmethod
    def size(self, items: Any) -> int:
        """Return the number of items; for metrics, of data points."""

    @abstractmethod
    def split(self, items: Any, first: int) -> tuple[Any, Any]:
        """Return the items in two parts, with ``first`` of them in the first part."""

    @abstractmethod
    def describe_first(self, items: Any) -> str:
        """Return a name of the first item for a message, without any of its values."""


class _ListSignal(SignalInOTLP):
    """Base of the signals whose items are lists."""

    def size(self, items: Any) -> int:
        return len(items)

    def split(self, items: Any, first: int) -> tuple[Any, Any]:
        return items[:first], items[first:]


class Traces(_ListSignal):
    """Spans."""

    name = "traces"
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    request = "ExportTraceServiceRequest"

    def writer(self, repairs: Any) -> Callable[[Any], bytes]:
        from distrokit_otlp.wire.spans import SpanWriter

        return SpanWriter(repairs)

    def describe_first(self, items: Any) -> str:
        return f"span {str(items[0].name)[:_NAME_LENGTH]!r}"


class Logs(_ListSignal):
    """Log records."""

    name = "logs"
    method = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    request = "ExportLogsServiceRequest"

    def writer(self, repairs: Any) -> Callable[[Any], bytes]:
        from distrokit_otlp.wire.logs import LogWriter

        return LogWriter(repairs)

    def describe_first(self, items: Any) -> str:
        scope = items[0].instrumentation_scope
        return f"log record of {str(scope.name if scope else '')[:_NAME_LENGTH]!r}"


class Metrics(SignalInOTLP):
    """Collections of data points."""

    name = "metrics"
    method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    request = "ExportMetricsServiceRequest"

    def writer(self, repairs: Any) -> Callable[[Any], bytes]:
        from distrokit_otlp.wire.metrics import MetricWriter

        return MetricWriter(repairs)

    def size(self, items: MetricsData) -> int:
        return count_items(items)

    def split(self, items: MetricsData, first: int) -> tuple[MetricsData, MetricsData]:
        return _points(items, 0, first), _points(items, first, self.size(items))

    def describe_first(self, items: MetricsData) -> str:
        metrics = (m for resource in items.resource_metrics for scope in resource.scope_metrics for m in scope.metrics)
        return f"data point of {next((str(metric.name) for metric in metrics), '')[:_NAME_LENGTH]!r}"


def _points(data: MetricsData, first: int, last: int) -> MetricsData:
    """Return the data points from ``first`` to ``last``, inside their metrics, scopes and resources."""
    place, resources = 0, []
    for resource in data.resource_metrics:
        scopes = []
        for scope in resource.scope_metrics:
            selected = []
            for metric in scope.metrics:
                points = metric.data.data_points
                part = points[max(0, first - place) : max(0, last - place)]
                place += len(points)
                if part:
                    kind: Any = metric.data
                    selected.append(replace(metric, data=replace(kind, data_points=list(part))))
            if selected:
                scopes.append(replace(scope, metrics=selected))
        if scopes:
            resources.append(replace(resource, scope_metrics=scopes))
    return MetricsData(resource_metrics=resources)


def signal_for(options: ExporterOptions) -> SignalInOTLP:
    """Return the encoding of an exporter's signal.

    Raises: ``ModuleNotFoundError`` when its encoder is another package's, which is not installed.
    """
    encoder = str(options.arguments.get("encoder") or OWN_ENCODER)
    json = options.arguments.get("protocol") == "http/json"
    if encoder != OWN_ENCODER:
        form = "json" if json else "proto"
        remedy = (
            f"DISTROKIT_OTLP_ENCODER=upstream needs a package: pip install opentelemetry-exporter-otlp-{form}-common"
        )
        require(f"opentelemetry.exporter.otlp.{form}.common", remedy)
    kinds: dict[Signal, type[Traces | Metrics | Logs]] = {"traces": Traces, "metrics": Metrics, "logs": Logs}
    return kinds[options.signal](encoder, json=json)

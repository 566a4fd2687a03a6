"""Encodes the items of each signal as OTLP requests, and splits them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.sdk.metrics.export import MetricsData

from distrokit import Signal, count_items

#: Length of a name in a message, in characters.
_NAME_LENGTH = 80


class SignalInOTLP(ABC):
    """The encoding of one signal.

    Attributes:
        name: the signal.
        empty: a request without items, which receivers accept.
        response: the class of the responses.
        method: the full name of the grpc method.
    """

    name: Signal
    empty: Any
    response: Any
    method: str

    @abstractmethod
    def encode(self, items: Any) -> Any:
        """Return the request; raises what the encoder raises for items that it cannot encode."""

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
    empty = traces.ExportTraceServiceRequest()
    response = traces.ExportTraceServiceResponse
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

    def encode(self, items: Any) -> Any:
        return encode_spans(items)

    def describe_first(self, items: Any) -> str:
        return f"span {str(items[0].name)[:_NAME_LENGTH]!r}"


class Logs(_ListSignal):
    """Log records."""

    name = "logs"
    empty = logs.ExportLogsServiceRequest()
    response = logs.ExportLogsServiceResponse
    method = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

    def encode(self, items: Any) -> Any:
        return encode_logs(items)

    def describe_first(self, items: Any) -> str:
        scope = items[0].instrumentation_scope
        return f"log record of {str(scope.name if scope else '')[:_NAME_LENGTH]!r}"


class Metrics(SignalInOTLP):
    """Collections of data points."""

    name = "metrics"
    empty = metrics.ExportMetricsServiceRequest()
    response = metrics.ExportMetricsServiceResponse
    method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

    def encode(self, items: MetricsData) -> Any:
        return encode_metrics(items)

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


def signal_of(name: Signal) -> SignalInOTLP:
    """Return the encoding of a signal."""
    kinds: dict[Signal, type[Traces | Metrics | Logs]] = {"traces": Traces, "metrics": Metrics, "logs": Logs}
    return kinds[name]()

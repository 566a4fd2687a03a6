"""OTLP/gRPC: the three services; they accept every request."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from distrokit_dev.store import TelemetryStore


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, store: TelemetryStore) -> None:
        self._store = store

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  (the service's name for it)
        self._store.add(request)
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, store: TelemetryStore) -> None:
        self._store = store

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  (as above)
        self._store.add(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, store: TelemetryStore) -> None:
        self._store = store

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  (as above)
        self._store.add(request)
        return logs_service_pb2.ExportLogsServiceResponse()


def start_grpc(store: TelemetryStore, host: str, port: int, max_request_bytes: int) -> tuple[grpc.Server, int]:
    """Start a server; return it and its port.

    Args:
        port: 0 for a free one.

    Raises: ``OSError`` if the port is in use.
    """
    if port:
        # Test the port first: gRPC gives no reason, and writes to stderr.
        socket.create_server((host, port)).close()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4, thread_name_prefix="otlp-grpc"),
        maximum_concurrent_rpcs=8,
        options=[("grpc.max_receive_message_length", max_request_bytes), ("grpc.so_reuseport", 0)],
    )
    # The generated modules carry no types.
    traces: Any = trace_service_pb2_grpc
    metrics: Any = metrics_service_pb2_grpc
    logs: Any = logs_service_pb2_grpc
    traces.add_TraceServiceServicer_to_server(_Traces(store), server)
    metrics.add_MetricsServiceServicer_to_server(_Metrics(store), server)
    logs.add_LogsServiceServicer_to_server(_Logs(store), server)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(str(error)) from error
    server.start()
    return server, bound

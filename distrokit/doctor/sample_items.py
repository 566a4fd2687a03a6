"""Real items of each signal, made by the SDK and marked as a check."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from distrokit.declarations import Signal

#: The instrumentation scope of the items, and the attribute that marks them.
SCOPE, MARK = "distrokit.doctor", {"distrokit.check": True}


def item(signal: Signal, resource: Resource | None) -> Any:
    """Return a batch for an exporter of this signal: a list of one span or log record, or metrics with one point."""
    resource = resource or Resource({})
    if signal == "traces":
        return _span(resource)
    return _metrics(resource) if signal == "metrics" else _record(resource)


def _span(resource: Resource) -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer(SCOPE).start_span("distrokit doctor", attributes=MARK).end()
    return list(memory.get_finished_spans())


def _metrics(resource: Resource) -> Any:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    provider.get_meter(SCOPE).create_counter("distrokit.doctor.checks").add(1, MARK)
    data = reader.get_metrics_data()
    provider.shutdown()
    return data


def _record(resource: Resource) -> Any:
    memory: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # as the SDK has it
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.get_logger(SCOPE).emit(body="distrokit doctor", attributes=MARK)
    return list(memory.get_finished_logs())

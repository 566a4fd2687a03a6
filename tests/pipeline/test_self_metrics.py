"""The SDK's own metrics, side by side: upstream's exporters and processors, and distrokit's."""

from __future__ import annotations

import sys

import pytest
from distributions import write_plugin
from processes import LEAN, QUIET, instrumented, run, said

PROGRAM = """
from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, get_logger, get_logger_provider
import time
for number in range(3):
    trace.get_tracer("t").start_span("s").end()
    get_logger("l").emit(LogRecord(body="b"))
metrics.get_meter("m").create_counter("c").add(1)
for provider in (trace.get_tracer_provider(), get_logger_provider(), metrics.get_meter_provider()):
    provider.force_flush()
# What was counted by the export of the first collection.
metrics.get_meter_provider().force_flush()
"""
#: As the SDK's configurator does it, which is not what is started under distrokit.
UPSTREAM = """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.{transport}._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.{transport}.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.{transport}.trace_exporter import OTLPSpanExporter

metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
_logs.set_logger_provider(LoggerProvider())
_logs.get_logger_provider().add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
"""
#: The semantic conventions say {log_record} for both; upstream does for one of them.
UNITS = {("otel.sdk.processor.log.queue.size", "{log}"): "{log_record}"}


def own(points):
    """Name, unit, kind, type of the component and keys of the attributes, of every metric of the SDK's."""
    return {
        (
            point.name,
            UNITS.get((point.name, point.unit), point.unit),
            point.kind,
            point.monotonic,
            point.attributes.get("otel.component.type"),
            tuple(sorted(point.attributes)),
        )
        for point in points
        if point.name.startswith("otel.sdk.")
    }


@pytest.mark.parametrize(("protocol", "transport"), [("grpc", "grpc"), ("http/protobuf", "http")])
def test_every_metric_that_upstream_has(receiver, protocol, transport):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol),
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
    }
    result = run([sys.executable, "-c", UPSTREAM.replace("{transport}", transport) + PROGRAM], {**LEAN, **env})
    assert result.returncode == 0, result.stderr
    of_upstream = receiver.store.points()
    upstream = own(of_upstream)

    result = instrumented(PROGRAM, env)

    assert result.returncode == 0, result.stderr
    sent = receiver.store.points()[len(of_upstream) :]
    ours = own(sent)
    assert ("otel.sdk.exporter.span.exported", "{span}") in {metric[:2] for metric in ours}
    assert sorted(upstream - ours) == [], sorted(ours - upstream)
    assert {p.value for p in sent if p.name == "otel.sdk.exporter.span.inflight"} == {0}


def test_what_fails_has_its_reason(receiver):
    """Traces go nowhere, metrics arrive."""
    program = """
        from opentelemetry import metrics, trace
        trace.get_tracer("t").start_span("s").end()
        trace.get_tracer_provider().force_flush(500)
        metrics.get_meter_provider().force_flush()
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
        "DISTROKIT_EXIT_TIMEOUT": "500",
    }
    instrumented(program, env)

    tries = [p for p in receiver.store.points() if p.name == "otel.sdk.exporter.operation.duration"]
    failed = [p for p in tries if p.attributes["otel.component.name"] == "otlp/traces"]
    assert failed
    assert {p.attributes["error.type"] for p in failed} == {"failed"}
    assert {(p.attributes["server.address"], p.attributes["server.port"]) for p in failed} == {("127.0.0.1", 9)}


def test_an_exporter_that_takes_no_attribute_costs_its_metrics_only(tmp_path):
    source = """
        from dataclasses import dataclass
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

            @dataclass(frozen=True)
            class Acme(SpanExporter):
                def attempt(self, items, timeout_seconds):
                    print(len(items))

                def export(self, spans):
                    self.attempt(spans, 1)
                    return SpanExportResult.SUCCESS

            return Acme()

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", make)]
    """
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "acme", "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"}
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert result.stdout == "1\n", result.stderr
    (line,) = said(result)
    assert "its exports are not among the SDK's metrics" in line

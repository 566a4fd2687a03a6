"""One item of each signal."""

from __future__ import annotations

from distrokit.testing.memory import Telemetry

NAME = "distrokit.check_plugin"


def record(telemetry: Telemetry) -> None:
    """Record a span with a child span and a log record, and a measurement."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.trace import SpanKind

    tracer = telemetry.tracer_provider.get_tracer(NAME)
    with tracer.start_as_current_span(NAME, kind=SpanKind.SERVER, attributes={"url.path": "/"}) as span:
        span.add_event(NAME)
        tracer.start_span(f"{NAME}.inner").end()
        logger = telemetry.logger_provider.get_logger(NAME)
        logger.emit(LogRecord(body=NAME, severity_text="ERROR", severity_number=SeverityNumber.ERROR))
    telemetry.meter_provider.get_meter(NAME).create_counter(NAME).add(1, {"url.path": "/"})

"""Spans, metrics of every kind and log records by OpenTelemetry's API only."""

from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import SeverityNumber

tracer = trace.get_tracer("shop", "1.0")
with tracer.start_as_current_span("outer", kind=trace.SpanKind.PRODUCER) as outer:
    outer.add_event("event")
    with tracer.start_as_current_span("inner", links=[trace.Link(outer.get_span_context())]) as inner:
        inner.set_status(trace.StatusCode.ERROR, "out of stock")
meter = metrics.get_meter("shop")
meter.create_counter("orders").add(1, {"tenant": "ada"})
meter.create_up_down_counter("open").add(-1)
meter.create_histogram("price").record(9.5)
meter.create_gauge("stock").set(7)
meter.create_observable_gauge("size", [lambda options: [metrics.Observation(3)]])
_logs.get_logger("shop").emit(severity_number=SeverityNumber.FATAL, body={"order": 7}, event_name="ordered")

"""The kinds of items that the programs record. Tracer, logger and counter are made once, as programs do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import _logs, metrics, trace

Record = Callable[[int], None]
_TEN = {f"shop.attribute.{key}": f"value {key}" for key in range(9)}


def bare(tracer: trace.Tracer) -> Record:
    """A span that says nothing."""

    def record(number: int) -> None:
        tracer.start_span("bare").end()

    return record


def ten(tracer: trace.Tracer) -> Record:
    """A span of ten attributes, one of which differs."""

    def record(number: int) -> None:
        with tracer.start_as_current_span("ten", attributes={**_TEN, "n": number}):
            pass

    return record


def nested(tracer: trace.Tracer) -> Record:
    """One of three spans in each other."""
    start = tracer.start_as_current_span

    def record(number: int) -> None:
        if number % 3 == 0:
            with start("outer", attributes={"n": number}), start("middle"), start("inner"):
                pass

    return record


def events(tracer: trace.Tracer) -> Record:
    """A span with two events."""

    def record(number: int) -> None:
        with tracer.start_as_current_span("events") as span:
            span.add_event("first", {"n": number})
            span.add_event("second")

    return record


def log(logger: _logs.Logger) -> Record:
    """A log record, by the logs API: an environment without instrumentations sends none of Python's."""

    def record(number: int) -> None:
        attributes: dict[str, Any] = {"number": number, "kind": "order"}
        severity = _logs.SeverityNumber.INFO
        logger.emit(_logs.LogRecord(body="an order", severity_number=severity, attributes=attributes))

    return record


def add(counter: metrics.Counter) -> Record:
    """A measurement."""

    def record(number: int) -> None:
        counter.add(1, {"kind": "order"})

    return record


SPANS = {"bare": bare, "ten": ten, "nested": nested, "events": events}


def make_recorder(kind: str) -> tuple[Record, Any]:
    """Return a function that records the item of a number, and the provider that has ``force_flush``."""
    if kind == "log":
        return log(_logs.get_logger("shop")), _logs.get_logger_provider()
    if kind == "add":
        return add(make_counter()), metrics.get_meter_provider()
    return SPANS[kind](trace.get_tracer("shop")), trace.get_tracer_provider()


def make_counter() -> metrics.Counter:
    """Return the counter whose sum the receiver reads."""
    return metrics.get_meter("shop").create_counter("orders")

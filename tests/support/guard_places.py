"""Puts a text at every place of an item where one can stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.metrics import Observation
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

#: Takes the providers, a number that no other call has, and the text.
Put = Callable[[Any, int, str], None]
_LINKED = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))


def _span(put: Callable[[Any, str], None]) -> Put:
    def record(providers: Any, number: int, text: str) -> None:
        span = providers.tracer_provider.get_tracer("places").start_span(f"span {number}")
        put(span, text)
        span.end()

    return record


def _log(make: Callable[[str], dict[str, Any]]) -> Put:
    def emit(providers: Any, number: int, text: str) -> None:
        providers.logger_provider.get_logger("places").emit(LogRecord(**make(text)))

    return emit


def _metric(put: Callable[[Any, str, str], None]) -> Put:
    return lambda providers, number, text: put(providers.meter_provider.get_meter("places"), f"metric.{number}", text)


def _tracer(**of: str) -> Put:
    def record(providers: Any, number: int, text: str) -> None:
        arguments: dict[str, Any] = {"instrumenting_module_name": f"scope {number}"}
        arguments.update({name: {"a": text} if name == "attributes" else text for name in of})
        providers.tracer_provider.get_tracer(**arguments).start_span("in scope").end()

    return record


def _exemplar(providers: Any, number: int, text: str) -> None:
    # A view takes the attribute away, so the exemplar has it.
    with providers.tracer_provider.get_tracer("places").start_as_current_span("measuring"):
        counter = providers.meter_provider.get_meter("places").create_counter(f"viewed.{number}")
        counter.add(1, {"kept": "k", "filtered": text})


def _raise(span: Any, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError as error:
        span.record_exception(error)


PLACES: dict[str, Put] = {
    "span attribute": _span(lambda span, text: span.set_attribute("a", text)),
    "span attribute, in a list": _span(lambda span, text: span.set_attribute("a", ["x", text])),
    "span attribute, in JSON": _span(lambda span, text: span.set_attribute("a", json.dumps({"b": [1, text]}))),
    "span attribute, in JSON in JSON": _span(
        lambda span, text: span.set_attribute("a", json.dumps({"b": json.dumps({"c": text})}))
    ),
    "span name": lambda providers, number, text: (
        providers.tracer_provider.get_tracer("places").start_span(f"{number} {text}").end()
    ),
    "status": _span(lambda span, text: span.set_status(Status(StatusCode.ERROR, text))),
    "event attribute": _span(lambda span, text: span.add_event("e", {"a": text})),
    "event name": _span(lambda span, text: span.add_event(text)),
    "exception": _span(_raise),
    "stack trace": _span(
        lambda span, text: span.add_event("exception", {"exception.stacktrace": f'x\n  f("{text}")\ny'})
    ),
    "link attribute": _span(lambda span, text: span.add_link(_LINKED, {"a": text})),
    "link at the start": lambda providers, number, text: (
        providers.tracer_provider.get_tracer("places").start_span("s", links=[Link(_LINKED, {"a": text})]).end()
    ),
    "scope name": _tracer(instrumenting_module_name=""),
    "scope version": _tracer(instrumenting_library_version=""),
    "scope attribute": _tracer(attributes=""),
    "log body": _log(lambda text: {"body": text}),
    "log body, nested": _log(lambda text: {"body": {"a": [{"b": text}, 2]}}),
    "log body, in JSON": _log(lambda text: {"body": json.dumps([text])}),
    "log body, bytes": _log(lambda text: {"body": {"raw": text.encode()}}),
    "log attribute": _log(lambda text: {"body": "b", "attributes": {"a": text}}),
    "log attribute, nested": _log(lambda text: {"body": "b", "attributes": {"a": {"b": [text]}}}),
    "log event name": _log(lambda text: {"body": "b", "event_name": text}),
    "log severity": _log(lambda text: {"body": "b", "severity_text": text}),
    "log exception": _log(lambda text: {"body": "b", "exception": ValueError(text)}),
    "counter attribute": _metric(lambda meter, name, text: meter.create_counter(name).add(1, {"a": text})),
    "histogram attribute": _metric(lambda meter, name, text: meter.create_histogram(name).record(1, {"a": text})),
    "observed attribute": _metric(
        lambda meter, name, text: meter.create_observable_gauge(name, [lambda _: [Observation(1, {"a": text})]])
    ),
    "description": _metric(lambda meter, name, text: meter.create_counter(name, description=text).add(1)),
    "exemplar": _exemplar,
}

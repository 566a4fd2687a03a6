"""Transforms of finished spans; each returns a new span."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanKind

from distrokit import BuildContext, replace_span

#: What is in a request that was signed, or may be used in its place.
_SIGNED = re.compile(r"(?i)([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId)=)[^&#]*")
_URLS = ("url.full", "http.url", "url.query", "http.target")
_CONTENT = re.compile(r"gen_ai\.(input\.messages|output\.messages|system_instructions|(prompt|completion)\..*)")
_NESTED = "aws_example.nested"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

Transform = Callable[[ReadableSpan], ReadableSpan | None]


def make_redact(context: BuildContext) -> Callable[[Any], Any]:
    """For spans and for log records: a value that nobody may see, and what signs a request, in a URL."""
    hidden = [re.compile(translate(pattern)) for pattern in context.arguments["patterns"]]

    def clean(attributes: Any) -> dict[str, Any]:
        kept = dict(attributes or {})
        for name, value in kept.items():
            if any(pattern.match(name) for pattern in hidden):
                kept[name] = "[redacted]"
            elif name in _URLS:
                kept[name] = _SIGNED.sub(r"\1[redacted]", str(value))
        return kept

    def span(item: ReadableSpan) -> ReadableSpan:
        events = [Event(event.name, clean(event.attributes), event.timestamp) for event in item.events]
        return replace_span(item, attributes=clean(item.attributes), events=events)

    def log(item: ReadWriteLogRecord) -> ReadWriteLogRecord:
        item.log_record.attributes = clean(item.log_record.attributes)
        return item

    return span if context.signal == "traces" else log


def make_content(context: BuildContext) -> Transform:
    """Move prompts and completions from the span to a log record of the same trace."""
    logger = get_logger("aws_example.content")

    def move(span: ReadableSpan) -> ReadableSpan:
        attributes = dict(span.attributes or {})
        content = {name: attributes.pop(name) for name in list(attributes) if _CONTENT.fullmatch(name)}
        if not content:
            return span
        within = trace.set_span_in_context(trace.NonRecordingSpan(span.context)) if span.context else None
        logger.emit(
            LogRecord(
                timestamp=span.end_time,
                context=within,
                severity_number=SeverityNumber.INFO,
                event_name="gen_ai.content",
                body={name: value if isinstance(value, str) else str(value) for name, value in content.items()},
            )
        )
        return replace_span(span, attributes=attributes)

    return move


class Nested(SpanProcessor):
    """At ``enrich``: marks a call of a model that is made inside another one, while the parent can still be seen."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        parent = trace.get_current_span(parent_context)
        if isinstance(parent, ReadableSpan) and _model_call(parent) and _model_call(span):
            span.set_attribute(_NESTED, value=True)


def _model_call(span: ReadableSpan) -> bool:
    return span.kind is SpanKind.CLIENT and "gen_ai.operation.name" in (span.attributes or {})


def make_names(context: BuildContext) -> Transform:
    """A nested call of a model is not a call of this service, and ``GET`` is no operation's name."""

    def named(span: ReadableSpan) -> ReadableSpan:
        attributes = dict(span.attributes or {})
        if attributes.pop(_NESTED, False):
            return replace_span(span, kind=SpanKind.INTERNAL, attributes=attributes)
        if span.kind is SpanKind.SERVER and span.name in _METHODS and "url.path" in attributes:
            first = str(attributes["url.path"]).lstrip("/").partition("/")[0]
            return replace_span(span, name=f"{span.name} /{first}")
        return span

    return named


def make_quiet(context: BuildContext) -> Transform:
    """Starlette's instrumentation has no keyword that keeps it from a span for each message, as ASGI's has."""

    def quiet(span: ReadableSpan) -> ReadableSpan | None:
        ours = span.instrumentation_scope is not None and "starlette" in span.instrumentation_scope.name
        return None if ours and "asgi.event.type" in (span.attributes or {}) else span

    return quiet

"""Tracers of both kinds, the SDK's and ours, with the same ids, and what can be read of their spans."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.trace import NonRecordingSpan

from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.recording.tracer import record_spans


class Counting(IdGenerator):
    def __init__(self, random: bool) -> None:
        self.last, self.random = 0, random

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        self.last += 1
        return self.last << 64 | self.last

    def is_trace_id_random(self) -> bool:
        return self.random


class Seen(SpanProcessor):
    """Keeps what a processor can see at each moment."""

    def __init__(self, *, reads: bool) -> None:
        self.calls: list[Any] = []
        self.ended: list[ReadableSpan] = []
        self.reads = reads

    def on_start(self, span, parent_context=None):
        # Reading makes a span of ours use the SDK's own attributes from then on.
        self.calls.append(("start", span.name, dict(span.attributes) if self.reads else None, parent_context))

    def _on_ending(self, span):
        self.calls.append(("ending", span.name, span.is_recording()))

    def on_end(self, span):
        self.calls.append(("end", span.name))
        self.ended.append(span)


def fail(what: str, error: BaseException, *_: Any) -> None:
    raise AssertionError(f"{what} raised") from error


def make(
    limits: dict[str, Any] | None = None,
    sampler: Sampler = DEFAULT_ON,
    random: bool = True,
    reads: bool = False,
    *,
    ours: bool,
    misused: Any = fail,
    **options: Any,
) -> Any:
    """A tracer with its processor, which sees every span."""
    provider = TracerProvider(
        sampler, Resource({"service.name": "s"}), shutdown_on_exit=False, id_generator=Counting(random),
        span_limits=SpanLimits(**limits or {}), **options,
    )  # fmt: skip
    seen = Seen(reads=reads)
    provider.add_span_processor(seen)
    tracer = provider.get_tracer("t", "1", "https://schema", {"scope": 1})
    return (record_spans(ErrorBoundary(misused).tracer(tracer), misused) if ours else tracer), seen


@contextmanager
def messages():
    """What the SDK logs meanwhile."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


def read(span: Any) -> Any:
    """All that can be read of a span."""
    if not isinstance(span, ReadableSpan):
        return span.get_span_context(), span.is_recording()
    return {
        "json": json.loads(span.to_json()),
        "context": tuple(span.context),
        "own context": tuple(span.get_span_context()),
        "parent": span.parent and tuple(span.parent),
        "attributes": list(span.attributes.items()),
        "types": [type(one) for one in span.attributes.values()],
        "events": [(e.name, e.timestamp, list(e.attributes.items()), e.dropped_attributes) for e in span.events],
        "links": [(tuple(k.context), list(k.attributes.items()), k.dropped_attributes) for k in span.links],
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "rest": (
            span.name,
            span.kind,
            span.status.status_code,
            span.status.description,
            span.start_time,
            span.end_time,
        ),
        "scope": span.instrumentation_scope,
        "resource": span.resource,
        "info": span._instrumentation_info,
        "repr": repr(span) if isinstance(span, Span) else "",
    }


def play(tracer: Any, start: Mapping[str, Any], operations: Any) -> list[Any]:
    """Make the calls; return what could be read in between and at the end."""
    arguments = copy.deepcopy({name: value for name, value in start.items() if name != "parent"})
    if "parent" in start:
        arguments["context"] = trace.set_span_in_context(NonRecordingSpan(start["parent"]))
    span = tracer.start_span(**arguments)
    found = []
    for name, values in operations:
        if name == "read":
            found.append(read(span))
        else:
            getattr(span, name)(*values)
    found.append(read(span))
    span.end(7)
    found.append(read(span))
    return found

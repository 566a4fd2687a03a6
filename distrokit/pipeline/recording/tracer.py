"""Starts spans in place of the SDK's tracer, which stays the tracer: only two of its methods are set on the object."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from time import time_ns
from types import MappingProxyType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON, Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
)

from distrokit.pipeline.recording.attributes import is_plain
from distrokit.pipeline.recording.current_span import CurrentSpan
from distrokit.pipeline.recording.layout import current_span_methods, is_known, make_reentrant, starting_methods
from distrokit.pipeline.recording.span import RecordingSpan, SpanSettings
from distrokit.pipeline.sdk_methods import Misused, method_of

_NOT_SET = Status(StatusCode.UNSET)
_SAMPLED, _RANDOM = int(TraceFlags.SAMPLED), int(TraceFlags.RANDOM_TRACE_ID)
#: By number; making one takes longer than finding it.
_FLAGS = tuple(TraceFlags(number) for number in range((_SAMPLED | _RANDOM) + 1))
_MAPPINGS = (dict, MappingProxyType)
_MISSING = object()
#: The arguments of ``start_span`` beside the name.
_OPTIONAL = (
    "context", "kind", "attributes", "links", "start_time", "record_exception", "set_status_on_exception",
)  # fmt: skip
_DEFAULTS = (None, SpanKind.INTERNAL, None, (), None, True, True)


def record_spans(tracer: Any, misused: Misused) -> Any:
    """Make a tracer record spans of ours, unless this release of the SDK is unknown; return the same tracer.

    Args:
        tracer: the SDK's, with an error boundary around its own ``start_span``.
        misused: receives each call that raised; the call then returns normally to the application.
    """
    if is_known(tracer):
        starter = SpanStarter(tracer, misused)
        tracer.start_span, tracer.start_as_current_span = starter.start_span, starter.start_as_current_span
    return tracer


class SpanStarter:
    """Starts the spans of one tracer.

    What it cannot do as the SDK does is left to the SDK's ``start_span``: a method that another library has patched,
    arguments of wrong types, a sampler that raises.

    Args:
        tracer: the SDK's, with an error boundary around its own ``start_span``.
        misused: receives each call that raised.
    """

    def __init__(self, tracer: Tracer, misused: Misused) -> None:
        self._tracer, self._misused = tracer, misused
        self._start_by_sdk: Callable[..., Span] = tracer.start_span
        self._unpatched, self._unpatched_current = starting_methods(), current_span_methods()
        self._settings = SpanSettings(tracer, misused)
        self._scope = tracer._instrumentation_scope  # checked by `layout`, as are those below
        metrics = tracer._tracer_metrics
        # Counts spans where the SDK's metrics about itself are enabled.
        self._count: Callable[..., Callable[[], None]] | None = metrics.start_span
        if type(metrics).__name__ == "NoOpTracerMetrics":
            self._count = None

    @functools.wraps(Tracer.start_span)
    def start_span(
        self,
        name: Any = _MISSING,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> Span:
        span = None
        if starting_methods() == self._unpatched and name is not _MISSING and not args and not kwargs:
            try:
                span = self._make(name, context, kind, attributes, links)
            except Exception:
                # The SDK raises the same, and the boundary around it finds out whose mistake it is.
                span = None
        if span is None:
            optional = (context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
            if args:
                return self._start_by_sdk(name, *optional, *args, **kwargs)
            # As the caller has written it, as far as that can be known: the method may be another library's.
            given = {
                key: value
                for key, value, default in zip(_OPTIONAL, optional, _DEFAULTS, strict=True)
                if value is not default
            }
            return self._start_by_sdk(*(() if name is _MISSING else (name,)), **given, **kwargs)
        if type(span) is RecordingSpan:
            if not (record_exception and set_status_on_exception):
                span._record_exception, span._set_status_on_exception = record_exception, set_status_on_exception
            span._start_time = time_ns() if start_time is None else start_time
            try:
                span._span_processor.on_start(span, parent_context=context)
            except Exception as error:
                self._misused("tracer.start_span", error)
        return span

    @functools.wraps(Tracer.start_as_current_span)
    def start_as_current_span(
        self,
        name: Any = _MISSING,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        starting = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        if current_span_methods() != self._unpatched_current or name is _MISSING or args or kwargs:
            by_sdk = method_of(Tracer, "start_as_current_span", self._tracer)
            return by_sdk(*([] if name is _MISSING else [*starting, end_on_exit]), *args, **kwargs)
        return CurrentSpan(self._tracer, starting, end_on_exit)

    def _make(self, name: Any, context: Context | None, kind: Any, attributes: Any, links: Any) -> Span | None:
        """Return a span that is not started; ``None`` if the SDK has to make it.

        Source: ``opentelemetry.sdk.trace.Tracer.start_span``.
        """
        tracer = self._tracer
        parent: SpanContext | None = get_current_span(context).get_span_context()
        if type(parent) is not SpanContext or not tracer._is_enabled():
            return None
        ids = tracer.id_generator
        if parent.is_valid:
            trace_id, random = parent.trace_id, parent.trace_flags & _RANDOM
        else:
            parent, trace_id = None, ids.generate_trace_id()
            random = _RANDOM if ids.is_trace_id_random() else 0
        sampler = tracer.sampler
        if sampler is not DEFAULT_ON and sampler is not ALWAYS_ON:
            # See distrokit.declarations.Sampler.
            sampler = getattr(sampler, "passes_to", None) or sampler
        if sampler is DEFAULT_ON or sampler is ALWAYS_ON:
            # What they decide.
            state = None if parent is None else parent.trace_state
            sampled = parent is None or sampler is ALWAYS_ON or parent.trace_flags & _SAMPLED
            decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
        else:
            result = sampler.should_sample(context, trace_id, name, kind, attributes, links or ())
            decision, state, attributes = result.decision, result.trace_state, result.attributes
            if type(decision) is not Decision:
                return None
        flags = _FLAGS[random | (_SAMPLED if decision is Decision.RECORD_AND_SAMPLE else 0)]
        span_context = SpanContext(trace_id, ids.generate_span_id(), False, flags, state)
        if decision is Decision.DROP:
            if self._count is not None:
                self._count(parent, decision)
            return NonRecordingSpan(span_context)
        span = self._record(name, span_context, parent, kind, attributes)
        if links:
            span._links = make_reentrant(span._new_links(links))
        if self._count is not None:
            span._record_end_metrics = self._count(parent, decision)
        return span

    def _record(
        self, name: Any, context: SpanContext, parent: SpanContext | None, kind: Any, attributes: Any
    ) -> RecordingSpan:
        settings, tracer, bounded = self._settings, self._tracer, None
        values: dict[str, Any] = {}
        if attributes:
            if type(attributes) in _MAPPINGS and len(attributes) <= settings.most:
                values = dict(attributes)
            if not values or not is_plain(values, settings.longest):
                bounded = make_reentrant(
                    BoundedAttributes(
                        settings.limits.max_span_attributes,
                        attributes,
                        immutable=False,
                        max_value_len=settings.longest,
                    )
                )
        # Without `__init__`, which makes what most spans never need.
        span: Any = object.__new__(RecordingSpan)
        span._settings = settings
        span._name = name
        span._context = context
        span._parent = parent
        span._kind = kind
        span._status = _NOT_SET
        span._resource = tracer.resource
        span._instrumentation_scope = self._scope
        span._span_processor = tracer.span_processor
        span._start_time = span._end_time = None
        span._limits = settings.limits
        span._values = values
        span._lock = threading.RLock()
        if bounded is not None:
            span._bounded = bounded
        return span  # type: ignore[no-any-return]

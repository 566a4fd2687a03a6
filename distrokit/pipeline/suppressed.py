"""Suppresses instrumentation around plugin code that runs while the application records, as around exporters.

Otherwise a processor that calls an instrumented HTTP client would create another span for each span, without end. A
part is not called for its own telemetry, either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from opentelemetry.context import Context, attach, create_key, detach, get_current
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler

from distrokit.suppression import suppression_marks


class Suppressed:
    """Calls a part with instrumentation suppressed; everything else in the current context stays as it is.

    Args:
        again: call the part for its own telemetry, too. Otherwise such a call returns ``None`` at once: a processor is
            skipped, and a transform drops the item without seeing it.
    """

    def __init__(self, *, again: bool = False) -> None:
        self._key = create_key("distrokit-part")
        self._again, self._marks = again, {**suppression_marks(), self._key: True}

    def __call__(self, call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        current = get_current()
        if not self._again and self._key in current:
            return None
        mine = Context({**current, **self._marks})
        token = attach(mine)
        try:
            return call(*arguments, **keywords)
        finally:
            left = get_current()
            detach(token)
            if left is not mine and self._key in left:
                # The part attached a context and did not detach it: keep it, without the marks.
                attach(Context({name: value for name, value in left.items() if name not in self._marks}))


def suppress_part(part: Any) -> Any:
    """Return a processor, or a callable of a stage, that calls the part with instrumentation suppressed.

    A part that says that it records nothing is returned as it is: a change of the context costs more than many parts.
    """
    if getattr(part, "records_nothing", False) is True:
        return part
    if isinstance(part, SpanProcessor):
        return _Spans(part)
    if isinstance(part, LogRecordProcessor):
        return _Logs(part)
    return partial(Suppressed(), part)


def suppress_in(part: Any) -> None:
    """Suppress instrumentation in the methods of a plugin's sampler or id generator; ignore other parts."""
    kinds = {Sampler: ("should_sample",), IdGenerator: ("generate_trace_id", "generate_span_id")}
    names = [name for kind, methods in kinds.items() if isinstance(part, kind) for name in methods]
    ours = type(part).__module__.startswith(("opentelemetry.sdk.", "distrokit.", "distrokit_components."))
    if not names or ours or getattr(part, "records_nothing", False) is True:
        return
    suppressed = Suppressed(again=True)
    # An object with __slots__ accepts no new attribute.
    with contextlib.suppress(AttributeError, TypeError):
        for name in names:
            if name not in vars(part):
                setattr(part, name, _method(suppressed, getattr(part, name)))


def _method(suppressed: Suppressed, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def method(*arguments: Any, **keywords: Any) -> Any:
        return suppressed(call, *arguments, **keywords)

    return method


class _Spans(SpanProcessor):
    def __init__(self, processor: SpanProcessor) -> None:
        self._processor, self._suppressed = processor, Suppressed()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._suppressed(self._processor.on_start, span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        self._suppressed(self._processor.on_end, span)

    def shutdown(self) -> None:
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._processor.force_flush(timeout_millis)


class _Logs(LogRecordProcessor):
    def __init__(self, processor: LogRecordProcessor) -> None:
        self._processor, self._suppressed = processor, Suppressed()

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._suppressed(self._processor.on_emit, log_record)

    def shutdown(self) -> None:
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._processor.force_flush(timeout_millis)

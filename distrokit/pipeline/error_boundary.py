"""Tracers, meters and loggers whose calls do not raise into the application.

The specification requires it (*Error handling*: the API must not throw unhandled exceptions). The SDK raises on some
values all the same: an attribute that contains itself, an object whose ``__str__`` raises, a measurement that is not a
number. If an exception has such a value, recording the exception would replace it. Errors of samplers and id
generators, which are not the application's mistake, are found by :mod:`distrokit.pipeline.sampler_errors`.

Methods are set on the objects that the public ``get_tracer`` and its siblings return; the objects stay the SDK's own.
Each method looks up the class's method when it is called, so that later patches of the SDK's classes take effect.

:mod:`distrokit.pipeline.meter_boundary` does the same for meters and instruments.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from threading import get_ident
from types import FunctionType
from typing import Any

from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from distrokit.pipeline.sampler_errors import SamplerErrors
from distrokit.pipeline.sdk_log_records import cheaper_emit
from distrokit.pipeline.sdk_methods import Misused, contain, method_of
from distrokit.pipeline.span_reentrancy import CHANGING, SpanReentrancy

_SPAN_METHODS = ("record_exception", *CHANGING)


class ErrorBoundary:
    """The error boundary of one pipeline.

    Args:
        misused: receives each call that raised; the call then returns normally to the application.
        sampler_errors: tells a sampler's error from the application's; ``None``: all errors are the application's.

    Attributes:
        misused: as above.
    """

    def __init__(self, misused: Misused, sampler_errors: SamplerErrors | None = None) -> None:
        self.misused, self._sampler_errors = misused, sampler_errors
        # By class; the SDK has a single class of recording spans.
        self._classes: dict[type, type | None] = {NonRecordingSpan: None}
        self._spans = SpanReentrancy()

    def tracer(self, tracer: Any) -> Any:
        """Guard a tracer and the spans it starts; return the same tracer."""
        tracer_class, classes = type(tracer), self._classes

        @functools.wraps(tracer_class.start_span)
        def start_span(*args: Any, **kwargs: Any) -> Any:
            start = method_of(tracer_class, "start_span", tracer)
            try:
                span = start(*args, **kwargs)
            except Exception as error:
                span = self._retry(tracer, start, error, args, kwargs)
            kind = type(span)
            guarded = classes[kind] if kind in classes else self._guarded_class(kind)
            if guarded is not None:
                span.__class__ = guarded
            return span

        tracer.start_span = start_span
        return tracer

    def logger(self, logger: Any) -> Any:
        """Guard a logger; return the same logger."""
        if "emit" not in vars(logger):
            kind = type(logger)
            sdk_emit, cheaper = kind.emit, cheaper_emit(logger)

            @functools.wraps(sdk_emit)
            def emit(record: Any = None, /, *more: Any, **named: Any) -> None:
                try:
                    if cheaper is not None and record is not None and not named and kind.emit is sdk_emit and not more:
                        cheaper(record)
                    else:
                        args = () if record is None and not more else (record, *more)
                        method_of(kind, "emit", logger)(*args, **named)
                except Exception as error:
                    outcome = _emit_as_text(kind, logger, named.get("record", record))
                    self.misused("logger.emit", error, outcome)

            logger.emit = emit
        return logger

    def _retry(
        self, tracer: Any, start: Callable[..., Any], error: Exception, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """Start a span again after an error: first with sampler and ids watched, then with its name and parent only."""
        if self._sampler_errors is not None:
            # The class's method: the one on the copy is the guarded one.
            start = method_of(type(tracer), "start_span", self._sampler_errors.watch(tracer))
            try:
                return start(*args, **kwargs)
            except Exception as again:
                error = again
        self.misused("tracer.start_span", error)
        return self._start_bare(start, *args, **kwargs)

    def _start_bare(
        self, start: Callable[..., Any], name: object = "", context: Any = None, *_: Any, **kwargs: Any
    ) -> Any:
        """Start a span with its name and parent only, which other spans need; leave out all that may have raised."""
        try:
            return start(str(name), kwargs.get("context", context))
        except Exception:
            return INVALID_SPAN

    def _guarded_class(self, kind: type) -> type | None:
        methods: dict[str, Any] = {
            name: self._guard_changing_method(kind, name)
            if name in CHANGING
            else contain(kind, name, lambda span: self.misused)
            for name in _SPAN_METHODS
            if hasattr(kind, name)
        }
        # Prints like the original class.
        methods.update(__module__=kind.__module__, __qualname__=kind.__qualname__, __doc__=kind.__doc__)
        try:
            guarded: type | None = type(kind.__name__, (kind,), {**methods, "__slots__": ()})
        except TypeError:
            # A third-party class that cannot be subclassed.
            guarded = None
        self._classes[kind] = guarded
        return guarded

    def _guard_changing_method(self, kind: type, name: str) -> Callable[..., Any]:
        """Do the same as :func:`contain` for a method that takes the span's lock."""
        spans, busy, pending = self._spans, self._spans.busy, self._spans.pending
        original = getattr(kind, name)

        # Repeats `contain`, since an additional call would cost time in the application's loops.
        def changing(span: Any, *args: Any, **kwargs: Any) -> Any:
            key = get_ident(), id(span)
            # A call that interrupts another one before the lock leaves the mark to that one.
            marked = key in busy
            if marked and spans.is_interrupted(span):
                spans.postpone(name, changing, (span, *args), kwargs)
                return None
            try:
                busy.add(key)
                method = getattr(kind, name)
                if type(method) is FunctionType:
                    return method(span, *args, **kwargs)
                return method_of(kind, name, span)(*args, **kwargs)
            except Exception as error:
                self.misused(f"span.{name}", error)
                return None
            finally:
                if not marked:
                    busy.discard(key)
                if pending:
                    spans.replay()

        spans.changing.add(changing.__code__)
        return functools.update_wrapper(changing, original)


def _emit_as_text(kind: type, logger: Any, record: Any) -> str:
    """Emit a record that could not be emitted as it is, with its attributes as text; return the outcome."""
    attributes = getattr(record, "attributes", None)
    if not attributes:
        return "the record is dropped"
    try:
        plain = copy.copy(record)
        plain.attributes = {str(name): _as_text(value) for name, value in attributes.items()}
        method_of(kind, "emit", logger)(plain)
    except Exception:
        return "the record is dropped"
    return "the record is sent with the attribute as text"


def _as_text(value: Any) -> Any:
    if isinstance(value, (str, bool, int, float)):
        return value
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__qualname__}>"

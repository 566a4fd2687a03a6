"""Tracers, meters and loggers whose calls do not raise into the application.

The specification asks for it (*Error handling*: the API must not throw unhandled exceptions), and the SDK does not do
it for values that cannot be looked at: an attribute that contains itself, an object whose ``__str__`` raises, a
measurement that is no number. Where such a value is in an exception, recording it would replace the exception. A span
that could not be started because of its sampler or its id generator is no mistake of the application's, see
:mod:`distrokit.pipeline.sampler_errors`.

Methods are put on the objects that the public ``get_tracer`` and its siblings return; they stay what they are. Each
asks the object's class for its method when it is called: code that patches the SDK's classes later has its effect.

Meters and their instruments: :mod:`distrokit.pipeline.pipeline.measuring`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from distrokit.pipeline.patched import Misused, method_of
from distrokit.pipeline.sampler_errors import SamplerErrors
from distrokit.pipeline.span_reentrancy import CHANGING, SpanReentrancy

_OF_SPANS = ("record_exception", *CHANGING)


class ErrorBoundary:
    """Of one pipeline.

    Args:
        misused: told of each call that raised; the call returns as if it had done its work.

    Attributes:
        deciding: knows a sampler's fault from the application's; ``None`` for nobody.
    """

    def __init__(self, misused: Misused) -> None:
        self._misused = misused
        self.deciding: SamplerErrors | None = None
        # The SDK has one class of spans that record.
        self._classes: dict[type, type | None] = {NonRecordingSpan: None}
        self._spans = SpanReentrancy()

    def tracer(self, tracer: Any) -> Any:
        """The tracer; its spans are guarded as well."""
        if "start_span" in vars(tracer):
            return tracer
        of_tracers, classes = type(tracer), self._classes

        @functools.wraps(of_tracers.start_span)
        def start_span(*args: Any, **kwargs: Any) -> Any:
            start = method_of(of_tracers, "start_span", tracer)
            try:
                span = start(*args, **kwargs)
            except Exception as error:
                span = self._again(tracer, start, error, args, kwargs)
            kind = type(span)
            guarded = classes[kind] if kind in classes else self._class_of(kind)
            if guarded is not None:
                span.__class__ = guarded
            return span

        tracer.start_span = start_span
        return tracer

    def logger(self, logger: Any) -> Any:
        """The logger."""
        if "emit" not in vars(logger):
            kind = type(logger)

            @functools.wraps(kind.emit)
            def emit(*args: Any, **kwargs: Any) -> None:
                try:
                    method_of(kind, "emit", logger)(*args, **kwargs)
                except Exception as error:
                    self._misused("logger.emit", error)

            logger.emit = emit
        return logger

    def _again(
        self, tracer: Any, start: Callable[..., Any], error: Exception, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """The span of a call that raised, by a tracer that can do without sampler and ids; else a bare one."""
        if self.deciding is not None:
            # Not the method on the copy: that is this tracer's guarded one.
            start = method_of(type(tracer), "start_span", self.deciding.watched(tracer))
            try:
                return start(*args, **kwargs)
            except Exception as again:
                error = again
        self._misused("tracer.start_span", error)
        return self._bare(start, *args, **kwargs)

    def _bare(self, start: Callable[..., Any], name: object = "", context: Any = None, *_: Any, **kwargs: Any) -> Any:
        """The span without what may be at fault: its name and its parent are what others hang on."""
        try:
            return start(str(name), kwargs.get("context", context))
        except Exception:
            return INVALID_SPAN

    def _class_of(self, kind: type) -> type | None:
        methods: dict[str, Any] = {
            name: self._changing(kind, name) if name in CHANGING else self._contained(kind, name)
            for name in _OF_SPANS
            if hasattr(kind, name)
        }
        # For whoever prints it, it is the same class.
        methods.update(__module__=kind.__module__, __qualname__=kind.__qualname__, __doc__=kind.__doc__)
        try:
            guarded: type | None = type(kind.__name__, (kind,), {**methods, "__slots__": ()})
        except TypeError:
            # A class of somebody's that may not be derived from.
            guarded = None
        self._classes[kind] = guarded
        return guarded

    def _contained(self, kind: type, name: str) -> Callable[..., Any]:
        """A method of a class derived from this one."""

        @functools.wraps(getattr(kind, name))
        def contained(span: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                method = getattr(kind, name)
                if type(method) is FunctionType:
                    return method(span, *args, **kwargs)
                return method_of(kind, name, span)(*args, **kwargs)
            except Exception as error:
                self._misused(f"span.{name}", error)
                return None

        return contained

    def _changing(self, kind: type, name: str) -> Callable[..., Any]:
        """Likewise, for one that takes the span's lock."""
        spans, busy, pending = self._spans, self._spans.busy, self._spans.pending
        original = getattr(kind, name)

        # Written out, and not with _contained inside: this is called in the application's loops.
        def changing(span: Any, *args: Any, **kwargs: Any) -> Any:
            key = id(span)
            if key in busy and spans.is_interrupted(span):
                spans.postpone(name, changing, (span, *args), kwargs)
                return None
            try:
                busy.add(key)
                method = getattr(kind, name)
                if type(method) is FunctionType:
                    return method(span, *args, **kwargs)
                return method_of(kind, name, span)(*args, **kwargs)
            except Exception as error:
                self._misused(f"span.{name}", error)
                return None
            finally:
                busy.discard(key)
                if pending:
                    spans.replay()

        spans.changing.add(changing.__code__)
        return functools.update_wrapper(changing, original)

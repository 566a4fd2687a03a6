"""Tracers, meters and loggers whose calls do not raise into the application.

The specification asks for it (*Error handling*: the API must not throw unhandled exceptions), and the SDK does not do
it for values that cannot be looked at: an attribute that contains itself, an object whose ``__str__`` raises, a
measurement that is no number. Where such a value is in an exception, recording it would replace the exception. A span
that could not be started because of its sampler or its id generator is no mistake of the application's, see
:mod:`distrokit.pipeline.deciding`.

Methods are put on the objects that the public ``get_tracer`` and its siblings return; they stay what they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from distrokit.pipeline.deciding import Deciding

#: Told what was called, and what it raised.
Misused = Callable[[str, Exception], None]

_OF_SPANS = (
    "set_attribute",
    "set_attributes",
    "add_event",
    "add_link",
    "record_exception",
    "set_status",
    "update_name",
)
_OF_INSTRUMENTS = ("add", "record", "set")
_CREATE = tuple(
    f"create_{kind}"
    for kind in (
        "counter",
        "up_down_counter",
        "histogram",
        "gauge",
        "observable_counter",
        "observable_up_down_counter",
        "observable_gauge",
    )
)


class Guard:
    """Of one pipeline.

    Args:
        misused: told of each call that raised; the call returns as if it had done its work.

    Attributes:
        deciding: knows a sampler's fault from the application's; ``None`` for nobody.
    """

    def __init__(self, misused: Misused) -> None:
        self._misused = misused
        self.deciding: Deciding | None = None
        # The SDK has one class of spans that record.
        self._classes: dict[type, type | None] = {NonRecordingSpan: None}

    def tracer(self, tracer: Any) -> Any:
        """The tracer; its spans are guarded as well."""
        start = tracer.start_span
        if hasattr(start, "__wrapped__"):
            return tracer
        classes = self._classes

        @functools.wraps(start)
        def start_span(*args: Any, **kwargs: Any) -> Any:
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

    def meter(self, meter: Any) -> Any:
        """The meter; its instruments are guarded as well."""
        for name in _CREATE:
            create = getattr(meter, name)
            if not hasattr(create, "__wrapped__"):
                setattr(meter, name, self._creating(name, create))
        return meter

    def logger(self, logger: Any) -> Any:
        """The logger."""
        if not hasattr(logger.emit, "__wrapped__"):
            logger.emit = self._contained("logger.emit", logger.emit)
        return logger

    def _again(
        self, tracer: Any, start: Callable[..., Any], error: Exception, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """The span of a call that raised, by a tracer that can do without sampler and ids; else a bare one."""
        if self.deciding is not None:
            # Not the method of the copy: that is this tracer's guarded one.
            start = functools.partial(type(tracer).start_span, self.deciding.watched(tracer))
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
            name: self._contained(f"span.{name}", getattr(kind, name)) for name in _OF_SPANS if hasattr(kind, name)
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

    def _creating(self, name: str, create: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(create)
        def creating(*args: Any, **kwargs: Any) -> Any:
            try:
                instrument = create(*args, **kwargs)
            except Exception as error:
                self._misused(f"meter.{name}", error)
                return getattr(NoOpMeter("distrokit"), name)("unusable")
            for method in _OF_INSTRUMENTS:
                call = getattr(instrument, method, None)
                if call is not None and not hasattr(call, "__wrapped__"):
                    setattr(instrument, method, self._contained(f"{instrument.name}.{method}", call))
            return instrument

        return creating

    def _contained(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def contained(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            except Exception as error:
                self._misused(name, error)
                return None

        return contained

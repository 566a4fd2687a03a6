"""Makes a new span the current one of a ``with`` block or of a decorated function."""

from __future__ import annotations

import functools
import inspect
from contextlib import AbstractContextManager, ContextDecorator, suppress
from contextvars import Token
from types import TracebackType
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import Tracer
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context


class CurrentSpan(ContextDecorator, AbstractContextManager[Span]):
    """The result of ``start_as_current_span``: a context manager and decorator like the SDK's, without its generators.

    The span is started when the block is entered, or for each call of the decorated function; the span of a coroutine
    function lasts until the coroutine ends. Each use starts a span of its own.

    Args:
        tracer: its ``start_span`` is called.
        starting: the eight arguments of ``start_span``, in order.
        end_on_exit: whether the end of the block ends the span.
    """

    def __init__(self, tracer: Tracer, starting: tuple[Any, ...], end_on_exit: bool) -> None:
        self._tracer, self._starting, self._end_on_exit = tracer, starting, end_on_exit
        # The span of the innermost use, what detaches its context, and the same of the use around it.
        self._entered: tuple[Span, Token[Context], Any] | None = None

    def __enter__(self) -> Span:
        name, context, kind, attributes, links, start_time, record_exception, set_status = self._starting
        # By name, as the SDK calls it: the method may be another library's.
        start: Any = self._tracer.start_span
        span: Span = start(
            name=name, context=context, kind=kind, attributes=attributes, links=links, start_time=start_time,
            record_exception=record_exception, set_status_on_exception=set_status,
        )  # fmt: skip
        self._entered = span, attach(set_span_in_context(span)), self._entered
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered is None:
            raise RuntimeError("the block was not entered")
        span, token, self._entered = self._entered
        detach(token)
        try:
            # GeneratorExit, SystemExit and their like are no errors (opentelemetry-python#4484).
            if isinstance(error, Exception) and span.is_recording():
                self._record(span, error)
        finally:
            if self._end_on_exit:
                span.end()

    def __del__(self) -> None:
        # Entered and forgotten; the SDK's generator ends the span in that case.
        while self._entered is not None:
            self.__exit__(None, None, None)

    def _record(self, span: Span, error: Exception) -> None:
        *_, record_exception, set_status = self._starting
        if record_exception:
            span.record_exception(error)
        if set_status:
            text = type(error).__name__
            # An exception that cannot be shown must not take the place of itself.
            with suppress(Exception):
                text = f"{text}: {error}"
            span.set_status(Status(StatusCode.ERROR, text))

    def __call__(self, function: Any) -> Any:
        """Decorate a function or a coroutine function."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with CurrentSpan(self._tracer, self._starting, self._end_on_exit):
                    return await function(*args, **kwargs)

            return call_async

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with CurrentSpan(self._tracer, self._starting, self._end_on_exit):
                return function(*args, **kwargs)

        return call

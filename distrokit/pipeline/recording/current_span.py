"""Makes a new span the current one of a ``with`` block or of a decorated function."""

from __future__ import annotations

import functools
import inspect
from contextlib import AbstractContextManager
from contextvars import Token
from types import TracebackType
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import Tracer
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context


class CurrentSpan(AbstractContextManager[Span]):
    """What ``start_as_current_span`` returns: the same as the SDK's, as a class in place of two nested generators.

    The span is started when the block is entered, or for each call of the decorated function; the span of a coroutine
    function lasts until the coroutine ends.

    Args:
        tracer: its ``start_span`` is called.
        starting: the eight arguments of ``start_span``, in order.
        end_on_exit: whether the end of the block ends the span.
    """

    __slots__ = ("_end_on_exit", "_span", "_starting", "_token", "_tracer")

    def __init__(self, tracer: Tracer, starting: tuple[Any, ...], end_on_exit: bool) -> None:
        self._tracer, self._starting, self._end_on_exit = tracer, starting, end_on_exit

    def __enter__(self) -> Span:
        span = self._span = self._tracer.start_span(*self._starting)
        self._token: Token[Context] = attach(set_span_in_context(span))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        detach(self._token)
        span = self._span
        # GeneratorExit, SystemExit and their like are no errors (opentelemetry-python#4484).
        if isinstance(error, Exception) and span.is_recording():
            record_exception, set_status_on_exception = self._starting[-2:]
            if record_exception:
                span.record_exception(error)
            if set_status_on_exception:
                span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        if self._end_on_exit:
            span.end()

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

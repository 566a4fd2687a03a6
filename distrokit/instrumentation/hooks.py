"""Guards for the hooks of instrumentations: their exceptions do not reach the application."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from distrokit.diagnostics import Problem, describe_exception, trace_of

Report = Callable[[Problem], None]


def reporting_once(name: str, report: Report, outcome: str) -> Callable[[Exception], None]:
    """Return a function that reports the exceptions passed to it, once per type.

    Args:
        name: the subject of the problem.
        outcome: the outcome of the problem.
    """
    reported: set[type[Exception]] = set()

    def failed(error: Exception) -> None:
        if type(error) not in reported:
            reported.add(type(error))
            report(
                Problem(
                    code="part-raised",
                    subject=name,
                    cause=describe_exception(error),
                    outcome=outcome,
                    remedy="Fix or remove it.",
                    detail=trace_of(error),
                )
            )

    return failed


def guard_hook(hook: Callable[..., Any], name: str, report: Report) -> Callable[..., Any]:
    """Wrap a hook: report its exceptions, once per type, and raise none. A coroutine function stays one.

    Args:
        name: the subject of the problem.
    """
    failed = reporting_once(name, report, "the application continues; the hook's additions are missing")

    # For an object with an ``async def __call__``, the class's method is the coroutine function.
    if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__):

        @wraps(hook)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await hook(*args, **kwargs)
            except Exception as error:
                failed(error)

        return awaited

    @wraps(hook)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            failed(error)

    return called

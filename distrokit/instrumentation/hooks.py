"""Hooks that instrumentations are given: what one raises does not reach the application."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from distrokit.diagnostics import Problem, describe_exception, trace_of

Report = Callable[[Problem], None]


def reporting_once(name: str, report: Report, outcome: str) -> Callable[[Exception], None]:
    """A function that reports the exceptions it is given, once per kind.

    Args:
        name: of what raised, for the problem.
        outcome: what follows, for the problem.
    """
    said: set[type[Exception]] = set()

    def failed(error: Exception) -> None:
        if type(error) not in said:
            said.add(type(error))
            report(
                Problem(
                    code="part-raised",
                    subject=name,
                    cause=describe_exception(error),
                    outcome=outcome,
                    remedy="Repair it, or take it out.",
                    detail=trace_of(error),
                )
            )

    return failed


def guarded(hook: Callable[..., Any], name: str, report: Report) -> Callable[..., Any]:
    """The hook, whose exceptions are reported, once per kind, and raised no further; a coroutine function stays one.

    Args:
        name: what it is, for the problem.
    """
    failed = reporting_once(name, report, "the application goes on, and what the hook would have added is missing")

    # Of an object with an ``async def __call__``, its class's is one.
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

"""Late look-up of the SDK's methods: other libraries may patch the SDK's classes at any time."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType, MethodType
from typing import Any

#: Receives the name of a call and what it raised.
Misused = Callable[..., None]


def method_of(kind: type, name: str, instance: object) -> Callable[..., Any]:
    """Return the class's current method, bound to this object; ignore a method set on the object itself."""
    method = getattr(kind, name)
    if type(method) is FunctionType:
        return MethodType(method, instance)
    for base in kind.__mro__:
        if name in vars(base):
            method = vars(base)[name]
            break
    bind = getattr(type(method), "__get__", None)
    bound: Callable[..., Any] = method if bind is None else bind(method, instance, kind)
    return bound


def contain(kind: type, name: str, misused_of: Callable[[Any], Misused]) -> Callable[..., Any]:
    """Return a method for a subclass that calls the class's own, reports its exceptions and raises none.

    Args:
        kind: looks the method up when it is called, so that later patches take effect.
        misused_of: returns what receives the exceptions of a span.
    """

    @wraps(getattr(kind, name))
    def contained(span: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method_of(kind, name, span)(*args, **kwargs)
        except Exception as error:
            misused_of(span)(f"span.{name}", error)
            return None

    return contained

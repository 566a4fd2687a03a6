"""Methods of the SDK's classes as they are when they are called: other libraries patch these classes at any time."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

#: Told what was called, and what it raised.
Misused = Callable[[str, Exception], None]


def method_of(kind: type, name: str, instance: object) -> Callable[..., Any]:
    """The method that the class has for this object now, past one that stands on the object itself."""
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

"""Late look-up of the SDK's methods: other libraries may patch the SDK's classes at any time."""

from __future__ import annotations

from collections.abc import Callable
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

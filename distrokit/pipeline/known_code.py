"""Tells whether code of OpenTelemetry that we do in another way is the code that we know.

A release may change what a private method does, and a library may patch it. Both use other names than before: so the
names in the method's code are compared with those that it had in the releases that distrokit is tested with.
"""

from __future__ import annotations

import dataclasses
from types import FunctionType


def is_own(method: object, package: str) -> bool:
    """Tell whether this is a function of a package or module, and no other library's patch of one.

    Args:
        package: the name of the package or module, as the beginning of the function's module.
    """
    # Not isinstance: a patch may look like the function that it wraps, as wrapt's do.
    return type(method) is FunctionType and str(method.__globals__.get("__name__")).startswith(package)


def is_known(method: object, package: str, required: str, optional: str = "") -> bool:
    """Tell whether this is a package's own function, and uses the names that it is known to use.

    Args:
        package: the name of the package or module, as the beginning of the function's module.
        required: the names that its code uses in every known release, separated by spaces.
        optional: names that it uses in some releases, or with some versions of Python.
    """
    return (
        type(method) is FunctionType
        and is_own(method, package)
        and set(method.__code__.co_names) - set(optional.split()) == set(required.split())
    )


def has_fields(kind: type, fields: str) -> bool:
    """Tell whether a class is a dataclass with these fields, separated by spaces, whose objects have a ``__dict__``."""
    return (
        dataclasses.is_dataclass(kind)
        and [field.name for field in dataclasses.fields(kind)] == fields.split()
        and not any("__slots__" in vars(base) for base in kind.__mro__[:-1])
        and kind.__new__ is object.__new__
    )

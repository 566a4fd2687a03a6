"""Object references, ``module:attribute`` (Python packaging, *Entry points specification*)."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.diagnostics import contain, describe_exception

_PLACE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


class ObjectNotFoundError(Exception):
    """An object reference that cannot be imported or used; its text is the reason.

    Attributes:
        remedy: the text to write instead, as a sentence.
    """

    def __init__(
        self,
        cause: str,
        remedy: str = "Write module:attribute of a module that this process can import: installed, or on PYTHONPATH.",
    ) -> None:
        super().__init__(cause)
        self.remedy = remedy


def a_kind(value: object) -> str:
    """Return the type of a value with its article: ``a str``, ``an int``; ``a class`` for classes."""
    name = "class" if isinstance(value, type) else type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def is_object_reference(text: object) -> bool:
    """Tell whether a value has the form ``module:attribute``, both dotted or not."""
    return isinstance(text, str) and bool(_PLACE.fullmatch(text))


def load_object(reference: str, *, to_call: bool = False) -> Any:
    """Import the module of ``module:attribute`` and return the object.

    Args:
        reference: for example ``acme.hooks:tag``.
        to_call: true if the object must be callable.

    Raises:
        ObjectNotFoundError: the reference is malformed, there is no such object, it is not callable, or its module
            raised.
    """
    if not is_object_reference(reference):
        raise ObjectNotFoundError("it does not have the form module:attribute")
    try:
        found = EntryPoint(name="", value=reference, group="").load()
    except BaseException as error:
        contain(error)
        raise ObjectNotFoundError(describe_exception(error)) from error
    if to_call and not callable(found):
        raise ObjectNotFoundError(f"{a_kind(found)} cannot be called", "Name a function or another callable.")
    return found

"""Object references, ``module:attribute`` (Python packaging, *Entry points specification*)."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.diagnostics import contain, describe_exception

_PLACE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


class ObjectNotFoundError(Exception):
    """Why what a text names cannot be imported, or used.

    Attributes:
        remedy: what to write instead.
    """

    def __init__(
        self,
        cause: str,
        remedy: str = "Write module:attribute of a module that this process can import: installed, or on PYTHONPATH.",
    ) -> None:
        super().__init__(cause)
        self.remedy = remedy


def a_kind(value: object) -> str:
    """``a str``, ``an int``; ``a class`` for one."""
    name = "class" if isinstance(value, type) else type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def is_object_reference(text: object) -> bool:
    """Whether it says where something is: ``module:attribute``, both dotted or not."""
    return isinstance(text, str) and bool(_PLACE.fullmatch(text))


def load_object(reference: str, *, to_call: bool = False) -> Any:
    """What is at ``module:attribute``; imports the module.

    Args:
        to_call: whether it must be callable.

    Raises:
        ObjectNotFoundError: it is not, or not there, or the module raised.
    """
    if not is_object_reference(reference):
        raise ObjectNotFoundError("it is no module:attribute")
    try:
        found = EntryPoint(name="", value=reference, group="").load()
    except BaseException as error:
        contain(error)
        raise ObjectNotFoundError(describe_exception(error)) from error
    if to_call and not callable(found):
        raise ObjectNotFoundError(f"{a_kind(found)} cannot be called", "Name a function or another callable.")
    return found

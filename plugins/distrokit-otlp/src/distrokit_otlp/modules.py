"""Finds modules without importing them."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec


def require(module: str, remedy: str) -> None:
    """Check that a module is installed, without importing it.

    Raises: ``ModuleNotFoundError`` with the remedy as its message.
    """
    found = None
    with suppress(ImportError, ValueError):
        found = find_spec(module)
    if found is None:
        raise ModuleNotFoundError(remedy, name=module)

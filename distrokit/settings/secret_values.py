"""Secrets inside lists and mappings: the names on the way down say what is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distrokit.settings.layers import is_secret
from distrokit.settings.values import Value

#: What stands in a secret's place.
HIDDEN = "****"


def secrets_inside(name: str, value: Any) -> Iterator[str]:
    """Every text in a tree that is a secret by its names: of ``{"api": {"key": "x"}}`` the ``x``.

    Args:
        name: of the tree.
        value: plain, or with sources (:class:`~distrokit.settings.values.Value`).
    """
    plain = value.value if isinstance(value, Value) else value
    if isinstance(plain, Mapping):
        for key, inner in plain.items():
            yield from secrets_inside(_inside(name, key), inner)
    elif isinstance(plain, (list, tuple)):
        for inner in plain:
            yield from secrets_inside(name, inner)
    elif isinstance(plain, (str, int, float)) and is_secret(name):
        # What else a plugin gives, an object of its own, is nobody's to turn into a text.
        yield str(plain)


def without_secrets(value: Any, name: str = "") -> Any:
    """A plain tree as it may be shown: ``****`` for whatever is a secret by its names."""
    if is_secret(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, _inside(name, key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(inner, name) for inner in value]
    return value


def _inside(name: str, key: Any) -> str:
    return f"{name}_{key}" if name else str(key)

"""Secrets inside lists and mappings, found by the names of the keys that lead to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distrokit.settings.layers import is_secret
from distrokit.settings.values import Value

#: The text in place of a secret.
HIDDEN = "****"


def secrets_inside(name: str, value: Any) -> Iterator[str]:
    """Yield every text in a tree whose keys make it a secret: ``x`` of ``{"api": {"key": "x"}}``.

    Args:
        name: the name of the tree.
        value: plain, or with sources (:class:`~distrokit.settings.values.Value`).
    """
    plain = value.value if isinstance(value, Value) else value
    if isinstance(plain, Mapping):
        for key, inner in plain.items():
            yield from secrets_inside(_join(name, key), inner)
    elif isinstance(plain, (list, tuple)):
        for inner in plain:
            yield from secrets_inside(name, inner)
    elif isinstance(plain, (str, int, float)) and is_secret(name):
        # Objects of a plugin's own are not converted: their ``__str__`` may do anything.
        yield str(plain)


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a plain tree with ``****`` in place of every secret."""
    if is_secret(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, _join(name, key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(inner, name) for inner in value]
    return value


def _join(name: str, key: Any) -> str:
    return f"{name}_{key}" if name else str(key)

"""Attribute values and bodies as JSON, with their types.

``None``, texts, booleans, integers, floats and lists are themselves, a tuple being a list: the SDK makes tuples of all
sequences. What JSON does not know has a letter: ``{"b": "aGk="}`` bytes, ``{"l": […]}`` a list that stayed one,
``{"m": {…}}`` a mapping. NaN and infinity are written as Python writes them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.attributes import BoundedAttributes

#: A body that is nested deeper is a mistake, and what reads it back may not go that deep.
DEEPEST = 100


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON knows it; what OpenTelemetry has no type for becomes text, as in the SDK.

    Raises:
        ValueError: it is nested too deeply, or in itself.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"b": base64.b64encode(value).decode("ascii")}
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, Mapping):
        return {"m": {str(key): plain(child, depth + 1) for key, child in value.items()}}
    if isinstance(value, Sequence):
        children = [plain(child, depth + 1) for child in value]
        return {"l": children} if isinstance(value, list) else children
    return str(value)


def value(read: Any) -> Any:
    """Back from :func:`plain`."""
    if isinstance(read, list):
        return tuple(map(value, read))
    if not isinstance(read, dict):
        return read
    ((kind, content),) = read.items()
    if kind == "b":
        return base64.b64decode(content)
    if kind == "l":
        return list(map(value, content))
    return {key: value(child) for key, child in content.items()}


def plain_attributes(attributes: Mapping[str, Any] | None) -> Any:
    """Attributes as JSON; ``None`` stays ``None``."""
    return None if attributes is None else {str(key): plain(child) for key, child in attributes.items()}


def attributes_of(read: Mapping[str, Any] | None, dropped: int = 0) -> Mapping[str, Any] | None:
    """Back from :func:`plain_attributes`; only where some were dropped do they need the SDK's class, which counts."""
    if read is None and not dropped:
        return None
    values = {key: value(child) for key, child in (read or {}).items()}
    if not dropped:
        return values
    # Up to OpenTelemetry 1.44 it would drop nested values without being told to keep them.
    bounded = BoundedAttributes(attributes=values, immutable=True, extended_attributes=True)
    bounded.dropped = dropped
    return bounded

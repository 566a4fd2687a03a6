"""Attribute values and bodies as JSON, with their types.

``None``, strings, booleans, integers and floats stay as they are. A tuple becomes a JSON list: the SDK turns all
sequences into tuples. Other types have a tag: ``{"b": "aGk="}`` for bytes, ``{"l": […]}`` for a list,
``{"m": {…}}`` for a mapping. NaN and infinity are written as ``json`` writes them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.attributes import BoundedAttributes

#: Maximum nesting; a parser may not read deeper JSON.
DEEPEST = 100


def plain(value: Any, depth: int = 0) -> Any:
    """Convert a value to JSON types; an unsupported type becomes a string, as in the SDK.

    Raises:
        ValueError: it is nested too deeply, or contains itself.
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
    """Convert the result of :func:`plain` back."""
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
    """Convert attributes to JSON types; ``None`` stays ``None``."""
    return None if attributes is None else {str(key): plain(child) for key, child in attributes.items()}


def attributes_of(read: Mapping[str, Any] | None, dropped: int = 0) -> Mapping[str, Any] | None:
    """Convert the result of :func:`plain_attributes` back; dropped ones are counted by the SDK's class."""
    if read is None and not dropped:
        return None
    values = {key: value(child) for key, child in (read or {}).items()}
    if not dropped:
        return values
    # extended_attributes: OpenTelemetry up to 1.44 drops nested values by default.
    bounded = BoundedAttributes(attributes=values, immutable=True, extended_attributes=True)
    bounded.dropped = dropped
    return bounded

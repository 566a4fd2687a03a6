"""Attribute values of OTLP/JSON as plain Python values, and back."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class _Empty:
    """A value without content, which is not the same as none."""


EMPTY = _Empty()


def decode(value: Any) -> Any:
    """Return a plain value; :data:`EMPTY` for a value without content.

    Raises: ``ValueError``, ``TypeError`` or ``KeyError`` for what is no value of OTLP/JSON.
    """
    for kind, content in (value or {}).items():
        if kind in _DECODERS:
            return _DECODERS[kind](content)
    return EMPTY


def decode_attributes(items: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return attributes as a mapping."""
    return {item["key"]: decode(item.get("value")) for item in items or ()}


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "stringValue": lambda content: content,
    "boolValue": lambda content: content,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": base64.b64decode,
    "arrayValue": lambda content: [decode(item) for item in content.get("values", ())],
    "kvlistValue": lambda content: decode_attributes(content.get("values", ())),
}


def encode(value: Any) -> dict[str, Any]:
    """Return a plain value in OTLP/JSON."""
    encode_content = _ENCODERS.get(type(value))
    return encode_content(value) if encode_content is not None else {}


def _encode_float(value: float) -> dict[str, Any]:
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return {"doubleValue": "NaN" if math.isnan(value) else names.get(value, value)}


_ENCODERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"stringValue": value},
    bool: lambda value: {"boolValue": value},
    int: lambda value: {"intValue": str(value)},
    float: _encode_float,
    bytes: lambda value: {"bytesValue": base64.b64encode(value).decode()},
    list: lambda value: {"arrayValue": {"values": [encode(item) for item in value]}},
    dict: lambda value: {"kvlistValue": {"values": encode_attributes(value)}},
}


def encode_attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return attributes in OTLP/JSON."""
    return [{"key": key, "value": encode(value)} for key, value in attributes.items()]

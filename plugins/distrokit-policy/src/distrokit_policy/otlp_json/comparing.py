"""Tells whether two requests in OTLP/JSON say the same.

As in the public conformance suite: a part that is missing, null or empty, or has its default value, is the same,
numbers may be texts, and the order of keys has no meaning.
"""

from __future__ import annotations

from typing import Any


def normalize(data: Any, key: str = "") -> Any:
    """Return the form that is equal for equal data."""
    if isinstance(data, dict):
        parts = {name: normalize(value, name) for name, value in data.items()}
        return {name: value for name, value in parts.items() if not _is_default(value)}
    if isinstance(data, list):
        return [normalize(item) for item in data]
    if isinstance(data, str) and key != "stringValue":
        try:
            return float(data) if "." in data else int(data)
        except ValueError:
            return data
    return data


def _is_default(value: Any) -> bool:
    return not value or (isinstance(value, str) and value.endswith(("_UNSPECIFIED", "_UNSET")))

"""JSON inside a text: parsed, redacted as a nested value, and written again if something changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: A text of JSON inside JSON inside JSON … is replaced from this depth on.
DEEPEST = 6
_quote = json.JSONEncoder(ensure_ascii=False).encode
_BRACKETS = {"{": "}", "[": "]", '"': '"'}


class NotJSONError(ValueError):
    """A text is not JSON."""


def looks_like_json(text: str) -> bool:
    """Tell whether a text may be a mapping, a list, or a text, in JSON."""
    stripped = text.strip()
    return len(stripped) > 1 and _BRACKETS.get(stripped[0]) == stripped[-1]


def redact_json(text: str, redact: Callable[[Any], Any]) -> str:
    """Return the text with its value redacted; the same text if nothing changed.

    Args:
        redact: returns a redacted value, or the same object.

    Raises:
        NotJSONError: it is not JSON.
        RecursionError: it is nested too deeply for the parser.
    """
    repeated: list[str] = []

    def make_mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            # The first of two equal keys is lost, so the text has to be written again.
            repeated.append(text)
        return mapping

    try:
        value = json.loads(text, object_pairs_hook=make_mapping, parse_float=_Number)
    except ValueError as error:
        raise NotJSONError from error
    redacted = redact(value)
    if redacted is value and not repeated:
        return text
    pieces: list[str] = []
    _write(redacted, pieces.append)
    return "".join(pieces)


class _Number(float):
    """A number that is written as it was read."""

    def __init__(self, text: str) -> None:
        self.text = text


def _write(value: Any, out: Callable[[str], object]) -> None:
    """Write a value of lists and mappings that are nested no deeper than a walk goes."""
    if isinstance(value, dict):
        before = "{"
        for key, item in value.items():
            out(f"{before}{_quote(key)}: ")
            _write(item, out)
            before = ", "
        out("}" if value else "{}")
    elif isinstance(value, list):
        before = "["
        for item in value:
            out(before)
            _write(item, out)
            before = ", "
        out("]" if value else "[]")
    else:
        out(value.text if isinstance(value, _Number) else _quote(value))

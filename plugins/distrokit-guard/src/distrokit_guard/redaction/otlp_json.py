"""Redacts items in OTLP/JSON, without objects of the SDK."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

from distrokit_guard.redaction.nested import REMOVED
from distrokit_guard.redaction.redactor import Redactor

#: The top-level keys of requests (OTLP, *JSON Protobuf Encoding*).
REQUESTS = ("resourceSpans", "resourceLogs", "resourceMetrics")
#: Fields with a text that an application may choose.
_TEXTS = frozenset({"name", "version", "description", "unit", "message", "severityText", "eventName", "schemaUrl"})
_ATTRIBUTES = frozenset({"attributes", "filteredAttributes"})


class Change(NamedTuple):
    """A place that was changed.

    Attributes:
        place: its path, such as ``resourceSpans[0].scopeSpans[0].spans[0].attributes.user.email``.
        rules: the names of the rules, sorted.
    """

    place: str
    rules: tuple[str, ...]


def is_otlp(document: Any) -> bool:
    """Tell whether a JSON document is a request of OTLP, as far as its first keys tell."""
    return isinstance(document, dict) and any(isinstance(document.get(name), list) for name in REQUESTS)


class JSONRedactor:
    """Redacts requests.

    Args:
        redactor: its observer is replaced.

    Attributes:
        changes: all places that were changed so far.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.changes: list[Change] = []
        self._rules: set[str] = set()
        redactor.statistics.observer = self._rules.add

    def redact(self, document: Any, path: str = "") -> Any:
        """Return a document without secrets; lists and mappings are new ones."""
        if isinstance(document, list):
            return [self.redact(item, f"{path}[{number}]") for number, item in enumerate(document)]
        if not isinstance(document, dict):
            return document
        changed: dict[str, Any] = {}
        for name, value in document.items():
            place = f"{path}.{name}" if path else name
            if name in _ATTRIBUTES and isinstance(value, list):
                changed[name] = self._attributes(value, place)
            elif name in _TEXTS and isinstance(value, str):
                changed[name] = self._watch(place, self._redactor.text, value)
            elif name == "body":
                changed[name] = self._body(value, place)
            else:
                changed[name] = self.redact(value, place)
        return changed

    def text(self, text: str, place: str) -> str:
        """Return a text without secrets."""
        redacted: str = self._watch(place, self._redactor.text, text)
        return redacted

    def _attributes(self, attributes: list[Any], path: str) -> list[Any]:
        changed = []
        for entry in attributes:
            key = entry.get("key") if isinstance(entry, dict) else None
            if not isinstance(key, str):
                changed.append(self.redact(entry, path))
                continue
            value = _read(entry.get("value"))
            redacted = self._watch(f"{path}.{key}", self._redactor.attributes, {key: value})
            # An attribute that was removed is in no result.
            changed += [
                {**entry, "key": name, "value": _replace(entry.get("value"), value, new)}
                for name, new in redacted.items()
            ]
        return changed

    def _body(self, body: Any, place: str) -> Any:
        value = _read(body)
        return _replace(body, value, self._watch(place, self._redactor.value, value))

    def _watch(self, place: str, redact: Callable[[Any], Any], value: Any) -> Any:
        """Redact a value, and note the rules that matched in it."""
        self._rules.clear()
        redacted = redact(value)
        if redacted is not value:
            self.changes.append(Change(place, tuple(sorted(self._rules))))
        return redacted


def _read(value: Any) -> Any:
    """Return the value of an ``AnyValue``; one of an unknown form as it is."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    (kind, inner), *_ = value.items()
    try:
        return _READERS[kind](inner) if kind in _READERS else value
    except (AttributeError, KeyError, TypeError, ValueError):
        return value


def _replace(document: Any, value: Any, redacted: Any) -> Any:
    """Return the ``AnyValue`` of a redacted value; one of an unknown form keeps it.

    Args:
        document: the ``AnyValue`` that the value was read from.
    """
    if redacted is value:
        return document
    if redacted is REMOVED:
        return {}
    return _write(redacted) if value is not document or isinstance(redacted, str) else redacted


def _write(value: Any) -> dict[str, Any]:
    """Return a value as an ``AnyValue``."""
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return {} if value is None else {"stringValue": str(value)}


#: In this order: a flag is a number, too.
_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    bool: lambda value: {"boolValue": value},
    int: lambda value: {"intValue": str(value)},
    float: lambda value: {"doubleValue": value},
    bytes: lambda value: {"bytesValue": b64encode(value).decode()},
    dict: lambda value: {
        "kvlistValue": {"values": [{"key": key, "value": _write(item)} for key, item in value.items()]}
    },
    list: lambda value: {"arrayValue": {"values": [_write(item) for item in value]}},
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "stringValue": lambda inner: inner,
    "boolValue": lambda inner: inner,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": b64decode,
    "arrayValue": lambda inner: [_read(item) for item in inner.get("values", [])],
    "kvlistValue": lambda inner: {entry["key"]: _read(entry.get("value")) for entry in inner.get("values", [])},
}

"""Visits nested values: lists in mappings in lists, with a bound of their depth and of their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from distrokit_guard.redaction.masking import UNSAFE

if TYPE_CHECKING:
    from distrokit_guard.redaction.redactor import Redactor

#: A value is replaced where it is nested deeper, or has more parts that are no numbers.
_DEEPEST, _MOST_PARTS = 40, 10_000
_NUMBERS = frozenset({int, float, bool, type(None)})


class _Removed:
    """Takes the place of a value that is removed."""


REMOVED = _Removed()


class Walk:
    """Visits a nested value.

    Args:
        redactor: redacts its texts.
        depth: the number of texts around it that were JSON.
    """

    def __init__(self, redactor: Redactor, depth: int) -> None:
        self._redactor, self._depth = redactor, depth
        self._parts = 0
        # The containers around the current value, so that one inside itself is found.
        self._around: list[int] = []

    def value(self, value: Any, path: str) -> Any:
        """Return the value without secrets; the same object if nothing changed."""
        if type(value) in _NUMBERS:
            return self._number(value)
        self._parts += 1
        if self._parts > _MOST_PARTS or len(self._around) > _DEEPEST or id(value) in self._around:
            return self._redactor.masking.mark(UNSAFE)
        self._around.append(id(value))
        try:
            return self._visit(value, path)
        except Exception:
            return self._redactor.masking.mark(UNSAFE)
        finally:
            self._around.pop()

    def _visit(self, value: Any, path: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, (int, float)):
            return self._number(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._bytes(value)
        if isinstance(value, (Mapping, Sequence)):
            return self._mapping(value, path) if isinstance(value, Mapping) else self._sequence(value, path)
        # An exporter would send its text.
        return self._redactor.redact_text(plain_text(str(value)), self._depth)

    def _number(self, value: Any) -> Any:
        if value is None or isinstance(value, bool) or not self._redactor.is_card(value):
            return value
        return self._redactor.redact_card(value)

    def _text(self, value: str) -> Any:
        text = value if type(value) is str else plain_text(value)
        redacted = self._redactor.redact_text(text, self._depth)
        return value if redacted is text else redacted

    def _bytes(self, value: Any) -> Any:
        # Each byte is one character, and back.
        text = bytes(value).decode("latin-1")
        redacted = self._redactor.redact_text(text, self._depth)
        if redacted is text or redacted is REMOVED:
            return value if redacted is text else redacted
        return redacted.encode("latin-1", "replace")

    def _mapping(self, value: Mapping[Any, Any], path: str) -> Any:
        changed: dict[str, Any] = {}
        is_same = True
        for key, item in value.items():
            name, redacted = self._redactor.keyed(key, item, path, self)
            is_same = is_same and name is key and redacted is item
            if redacted is not REMOVED:
                changed[name] = redacted
        return value if is_same else changed

    def _sequence(self, value: Sequence[Any], path: str) -> Any:
        items = [self.value(item, path) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        left = [item for item in items if item is not REMOVED]
        return tuple(left) if isinstance(value, tuple) else left


def plain_text(text: str) -> str:
    """Return the characters of a text of any subclass, whose methods may do anything."""
    return text if type(text) is str else str.__getitem__(text, slice(None))


def text_or_mark(value: Any, mark: str) -> str:
    """Return a text as such, and of another value what an exporter would send."""
    try:
        return plain_text(value) if isinstance(value, str) else plain_text(str(value))
    except Exception:
        return mark

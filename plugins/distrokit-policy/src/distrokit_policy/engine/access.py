"""How the engine reads the fields of items: each kind of items, such as the SDK's spans, has its own ``Access``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from distrokit_policy.engine.policies import Selector

#: Returns a field's value: a text, number, boolean or bytes; any other object for a list or mapping; ``None`` if there
#: is none. Fields of events and links return a tuple of all their values.
Read: TypeAlias = Callable[[Any], Any]
Attributes: TypeAlias = "Mapping[str, Any] | None"


_EXACT = frozenset({str, int, float, bool, bytes, type(None)})


def plain(value: Any) -> Any:
    """Return a value of a class derived from text or number, such as an enumeration's, as plain text or number."""
    if type(value) in _EXACT:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return bytes(value) if isinstance(value, (bytes, bytearray)) else value


def text_of(value: Any) -> str | None:
    """Return a value as conditions on texts see it: bytes as hexadecimal digits; ``None`` for what is no text."""
    if type(value) is str:
        return value
    value = plain(value)
    if type(value) is bytes:
        value = value.hex()
    return value if type(value) is str else None


class Access(Protocol):
    """Reads one kind of items."""

    def attributes(self, item: Any, /) -> Attributes:
        """Return the attributes of the item itself; ``None`` for none."""

    def reader(self, selector: Selector) -> Read:
        """Return what reads a field."""
        ...


def path_reader(attributes: Callable[[Any], Attributes], path: tuple[str, ...]) -> Read:
    """Return what reads an attribute, of mappings inside each other if the path has several keys."""
    key, *inner = path
    if not inner:

        def read(item: Any) -> Any:
            found = attributes(item)
            return found.get(key) if found else None

        return read

    def read_nested(item: Any) -> Any:
        found: Any = attributes(item)
        for key in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(key)
        return found

    return read_nested

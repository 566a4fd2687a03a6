"""Texts and attribute values (OTLP, ``common.proto``), with bounded caches of those that repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distrokit_otlp.wire.format import DOUBLE, LARGEST_SIGNED, SMALLEST_SIGNED, delimited, signed_varint, varint
from distrokit_otlp.wire.repairs import Place, Repairs, as_text

#: The number of keys, of values of one key, and of names that are kept, and the length of kept texts in characters.
_KEYS, _VALUES, _NAMES, _LONGEST = 1024, 256, 2048, 256
_KEY = Place("the key of an attribute")
#: In place of the values of a key that has had too many; full, so that nothing is added.
_NEVER: dict[Any, bytes] = {object(): b"" for _ in range(_VALUES)}


class Values:
    """Writes ``AnyValue`` and ``KeyValue``.

    Args:
        repairs: for values that cannot be sent.
    """

    def __init__(self, repairs: Repairs) -> None:
        self.repairs = repairs
        # By key: its field, tag and length included.
        self._keys: dict[str, bytes] = {}

    def value(self, value: Any, where: object) -> bytes:
        """Return an ``AnyValue``, without tag and length.

        Args:
            value: of any type; what OTLP has no form for is sent as text, such as a list that contains itself.
            where: the key of its attribute, or a :class:`~distrokit_otlp.wire.repairs.Place`.
        """
        if type(value) is str:
            return delimited(b"\x0a", self.text(value, where))
        if type(value) is float:
            return b"\x21" + DOUBLE(value)
        try:
            return self.any_value(value, where)
        except RecursionError:
            self.repairs.count("a value that is nested too deeply, sent as text", where)
            return delimited(b"\x0a", self.repairs.text(as_text(value), where))

    def any_value(self, value: Any, where: object) -> bytes:
        """Return an ``AnyValue``; raises ``RecursionError`` for one that is nested too deeply."""
        if isinstance(value, str):
            return delimited(b"\x0a", self.text(value, where))
        if value is None:
            return b""
        if isinstance(value, int):
            return self._number(value, where)
        if isinstance(value, float):
            return b"\x21" + DOUBLE(value)
        return self._compound(value, where)

    def _number(self, value: int, where: object) -> bytes:
        if isinstance(value, bool):
            return b"\x10\x01" if value else b"\x10\x00"
        if SMALLEST_SIGNED <= value <= LARGEST_SIGNED:
            return b"\x18" + signed_varint(int(value))
        self.repairs.count("a number over 64 bits, sent as text", where)
        return delimited(b"\x0a", self.repairs.text(_digits(value), where))

    def _compound(self, value: Any, where: object) -> bytes:
        if isinstance(value, bytes):
            return delimited(b"\x3a", bytes(value))
        if isinstance(value, Sequence):
            items = b"".join([delimited(b"\x0a", self.any_value(one, where)) for one in value])
            return delimited(b"\x2a", items)
        if isinstance(value, Mapping):
            pairs = [
                delimited(b"\x0a", self._key_value(key if isinstance(key, str) else str(key), one, where))
                for key, one in value.items()
            ]
            return delimited(b"\x32", b"".join(pairs))
        return delimited(b"\x0a", self.repairs.text(value, where))

    def _key_value(self, key: str, value: Any, where: object) -> bytes:
        return self.key(key) + delimited(b"\x12", self.any_value(value, where))

    def key(self, key: str) -> bytes:
        """Return the field of a key."""
        found = self._keys.get(key)
        if found is None:
            found = delimited(b"\x0a", self.repairs.text(key, _KEY))
            if len(self._keys) < _KEYS and isinstance(key, str) and len(key) <= _LONGEST:
                self._keys[key] = found
        return found

    def text(self, value: Any, where: object) -> bytes:
        """Return a text as UTF-8."""
        try:
            return value.encode()  # type: ignore[no-any-return]
        except (AttributeError, UnicodeEncodeError):
            return self.repairs.text(value, where)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        # Python refuses to write numbers of more than 4300 digits in decimal.
        return hex(value)


class Attributes:
    """Writes attributes as repeated fields of one tag; pairs that repeat are kept.

    Args:
        values: writes the values.
        tag: of the field.
    """

    def __init__(self, values: Values, tag: bytes) -> None:
        self._values, self._tag = values, tag
        # By key and value; one table per type, since True equals 1 equals 1.0.
        self._texts: dict[str, dict[str, bytes]] = {}
        self._numbers: dict[str, dict[int, bytes]] = {}
        self._flags: dict[str, dict[bool, bytes]] = {}

    def write(self, attributes: Any, out: Callable[[bytes], object]) -> None:
        """Write attributes.

        Args:
            attributes: a mapping, or ``None``.
            out: gets the bytes of each.
        """
        if not attributes:
            return
        # The SDK's own attributes take a lock for each item of an iteration, and none for a copy.
        copy = getattr(attributes, "copy", None)
        for key, value in (copy() if copy is not None else attributes).items():
            kind = type(value)
            if kind is str:
                texts = self._texts.get(key)
                part = texts.get(value) if texts is not None else None
                out(part if part is not None else self._keep(self._texts, key, value, len(value)))
            elif kind is int:
                numbers = self._numbers.get(key)
                part = numbers.get(value) if numbers is not None else None
                out(part if part is not None else self._keep(self._numbers, key, value, 0))
            elif kind is bool:
                flags = self._flags.get(key)
                part = flags.get(value) if flags is not None else None
                out(part if part is not None else self._keep(self._flags, key, value, 0))
            else:
                out(self._pair(key, value))

    def _keep(self, table: dict[str, dict[Any, bytes]], key: str, value: Any, length: int) -> bytes:
        """Return a pair, and keep it if there is room."""
        part = self._pair(key, value)
        if length <= _LONGEST:
            known = table.get(key)
            if known is None:
                if len(table) >= _KEYS:
                    table.clear()
                known = table[key] = {}
            if len(known) < _VALUES:
                known[value] = part
            elif known is not _NEVER:
                # Values that never repeat, such as ids.
                table[key] = _NEVER
        return part

    def _pair(self, key: Any, value: Any) -> bytes:
        name, any_value = self._values.key(key), self._values.value(value, key)
        length = varint(len(any_value))
        return b"".join(
            (self._tag, varint(len(name) + 1 + len(length) + len(any_value)), name, b"\x12", length, any_value)
        )


class Names:
    """Writes texts of one field; those that repeat are kept.

    Args:
        repairs: for texts that cannot be sent.
        tag: of the field.
        where: the field's name in messages.
    """

    def __init__(self, repairs: Repairs, tag: bytes, where: str) -> None:
        self._repairs, self._tag, self._where = repairs, tag, Place(where)
        self._known: dict[Any, bytes] = {}

    def write(self, name: Any) -> bytes:
        """Return the field; empty for an empty text or ``None``."""
        if type(name) is str:
            found = self._known.get(name)
            if found is not None:
                return found
        text = self._repairs.text(name, self._where)
        field = self._tag + varint(len(text)) + text if text else b""
        if type(name) is str and len(name) <= _LONGEST:
            if len(self._known) >= _NAMES:
                self._known.clear()
            self._known[name] = field
        return field

"""Reads named parts of plain data, whose names may be in the schema's or in JSON's form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from distrokit import did_you_mean
from distrokit_policy.engine.policies import InvalidError

_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Parts:
    """The parts of a mapping: ``log_field`` and ``logField`` are the same.

    Args:
        data: plain data.
        what: names the mapping in messages.

    Raises:
        InvalidError: it is no mapping, or has one part twice.
    """

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, Mapping):
            raise InvalidError(f"{what} must be a mapping, not {type_name(data)}")
        #: By the schema's name: the name as it is written, and the value.
        self._parts: dict[str, tuple[str, Any]] = {}
        for written, value in data.items():
            name = _CAPITAL.sub(r"_\1", str(written)).lower()
            if name in self._parts:
                raise InvalidError(f"{what} has {name} twice", str(written))
            if value is not None:
                self._parts[name] = (str(written), value)

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def get(self, name: str, default: Any = None) -> Any:
        """Return a part; the default if it is missing or null."""
        return self._parts[name][1] if name in self._parts else default

    def written(self, name: str) -> str:
        """Return a name as it is written."""
        return self._parts[name][0] if name in self._parts else name

    def only(self, names: Collection[str]) -> None:
        """Raise ``InvalidError`` for a part with another name."""
        for name, (written, _) in self._parts.items():
            if name not in names:
                raise InvalidError(f"unknown field {written!r:.80}{suggest(name, names)}", written)

    def one_of(self, names: Collection[str], missing: str) -> str:
        """Return the only one of these names that there is.

        Raises:
            InvalidError: there is none, with the text ``missing``; or there are several.
        """
        found = [name for name in names if name in self._parts]
        if not found:
            raise InvalidError(missing)
        if len(found) > 1:
            raise InvalidError(f"{found[0]} and {found[1]} exclude each other", self.written(found[1]))
        return found[0]

    def boolean(self, name: str) -> bool:
        """Return a boolean; false if it is missing."""
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise InvalidError(f"{name} must be true or false, not {value!r:.80}", self.written(name))
        return value

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self.get(name, default)
        if not isinstance(value, str):
            raise InvalidError(f"{name} must be a text, not {type_name(value)}", self.written(name))
        return value


def type_name(value: Any) -> str:
    """Return the name of a value's type in JSON's words."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def suggest(name: str, known: Collection[str]) -> str:
    """Return the end of a message, which names the known name that is most similar; empty if none is."""
    text = did_you_mean(name, list(known))
    return f". {text}" if text else ""

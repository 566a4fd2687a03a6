"""Redacts attributes and values of any nesting: the entry of the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from distrokit_guard.redaction.detectors.banking import LARGEST, SMALLEST, is_card
from distrokit_guard.redaction.finding import Finding, ValueRules
from distrokit_guard.redaction.keys import KeyRules
from distrokit_guard.redaction.masking import KEY, UNSAFE, Masking
from distrokit_guard.redaction.names import Action
from distrokit_guard.redaction.nested import REMOVED, Walk, plain_text, text_or_mark
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern
from distrokit_guard.redaction.quick_test import LONGEST_KNOWN
from distrokit_guard.redaction.statistics import Statistics
from distrokit_guard.redaction.texts import TextRedactor


@dataclass(frozen=True)
class Rules:
    """The rules of a redactor.

    Attributes:
        kinds: built-in kinds, names in :data:`~distrokit_guard.redaction.detectors.DETECTORS`.
        keys: globs over keys, in any case.
        patterns: patterns of users, which were checked.
        action: ``mask``, ``hash`` or ``remove``.
        hash_key: the key of ``hash``.
        longest: the longest text that is scanned, in characters; at least
            :data:`~distrokit_guard.redaction.names.SHORTEST_LIMIT`.
    """

    kinds: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    patterns: tuple[OwnPattern, ...] = ()
    action: Action = "mask"
    hash_key: bytes = b""
    longest: int = 65_536


class Redactor:
    """Redacts by these rules. Any thread may call it.

    Args:
        rules: see there.

    Attributes:
        statistics: how often each pattern was needed.
        known: values that stay as they are.
    """

    def __init__(self, rules: Rules) -> None:
        names = [pattern.name for pattern in rules.patterns]
        self.statistics = Statistics(names)
        self.masking = Masking(rules.action, rules.hash_key, (*rules.kinds, *names))
        values = ValueRules(rules.kinds, rules.patterns)
        self._removes = rules.action == "remove"
        self._has_cards = values.has_cards
        self._keys = KeyRules(rules.keys, self._text_of_key, self.masking.hide_placeholders, self.masking.mark(UNSAFE))
        match_key = self._keys.match if rules.keys else None
        self._texts = TextRedactor(values, self.masking, rules.longest, match_key, self.statistics)
        self._values = bool(rules.kinds or rules.patterns)
        self._may_change, self.known = self._texts.may_change, self._texts.known

    def text(self, text: str) -> str:
        """Return a text without secrets; the same object if nothing changed. It does not raise.

        A value that is no text becomes one.
        """
        if type(text) is not str:
            text = text_or_mark(text, self.masking.mark(UNSAFE))
        return self._redact_text(text, 0) if text not in self.known and self._may_change(text) else text

    def optional_text(self, text: str | None) -> str | None:
        """Return the same for a text that may be missing."""
        return None if text is None else self.text(text)

    def find(self, text: str) -> list[Finding]:
        """Return start, end and rule of all secrets in a text, as it is: JSON in it is not parsed."""
        return self._texts.find(text)

    def find_idle_rules(self) -> list[str]:
        """Return the patterns and the globs that matched nothing so far."""
        return [*self.statistics.find_idle(), *self._keys.idle]

    def attributes(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return attributes without secrets: a new dictionary, or the same object if nothing changed.

        It does not raise: an attribute that cannot be redacted safely is removed.
        """
        try:
            if self._keys.plain.issuperset(attributes) and self._stay(attributes.values()):
                return attributes
            return self._attributes(attributes)
        except Exception:
            # A key or a mapping of an unusual class, or one that another thread is changing.
            return self._attributes_one_by_one(attributes)

    def value(self, value: Any, path: str = "") -> Any:
        """Return a value without secrets; the same object if nothing changed, :data:`REMOVED` if nothing is left.

        It does not raise: what cannot be redacted safely is replaced.

        Args:
            path: the keys around it, with dots; empty for none.
        """
        return Walk(self, 0).value(value, path)

    def _stay(self, values: Iterable[Any]) -> bool:
        """Tell whether all these values certainly stay as they are; most do, and then it takes little time."""
        if self._values:
            try:
                # Values that were here before.
                return self.known.issuperset(values)
            except TypeError:
                # A list.
                return False
        for value in values:
            kind = type(value)
            if kind is str:
                # Only a mapping in a text has keys. A text that is not scanned is not cut.
                if ":" in value and ('"' in value or "'" in value):
                    return False
            elif kind is not int and kind is not bool and kind is not float:
                return False
        return True

    def _attributes(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        keys, plain, known, may_change = self._keys, self._keys.plain, self.known, self._may_change
        changes: dict[str, Any] | None = None
        for key, value in attributes.items():
            if key in plain or (type(key) is str and keys[key] is None):
                kind = type(value)
                if kind is str:
                    # The usual case is decided here, without a call.
                    if value in known or not may_change(value):
                        continue
                    redacted: Any = self._redact_text(value, 0)
                    if self._removes and not redacted and value:
                        redacted = REMOVED
                elif kind is bool or value is None or (kind is int and -SMALLEST < value < SMALLEST):
                    known.keep(value)
                    continue
                else:
                    redacted = self.value(value, key)
                if redacted is value:
                    continue
            else:
                redacted = REMOVED
            changes = {} if changes is None else changes
            changes[key] = redacted
        if changes is None:
            return attributes
        return self._apply(attributes, changes)

    def _apply(self, attributes: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        for key, value in attributes.items():
            name, redacted = key, value
            if key in changes:
                redacted = changes[key]
                if type(key) is not str or self._keys[key] is not None:
                    name, redacted = self.keyed(key, value, "", Walk(self, 0))
            if redacted is not REMOVED:
                changed[name] = redacted
        return changed

    def _attributes_one_by_one(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        left: dict[str, Any] = {}
        walk = Walk(self, 0)
        try:
            for key, value in list(attributes.items()):
                name, redacted = self.keyed(key, value, "", walk)
                if redacted is not REMOVED:
                    left[name] = redacted
        except Exception:
            # The mapping itself raises: what was read of it is safe.
            return left
        return left

    def keyed(self, key: Any, value: Any, path: str, walk: Walk) -> tuple[str, Any]:
        """Return the key and the value of an entry without secrets.

        Args:
            path: the keys around it.
            walk: visits the value.
        """
        name = text_or_mark(key, self.masking.mark(UNSAFE))
        inner = f"{path}.{name}" if path else name
        decision = self._keys[name]
        is_redacted = decision is not None and decision.is_redacted
        if not is_redacted and path and self._keys.has_paths:
            is_redacted = self._keys.match(inner)
        key = decision.key if decision is not None else name
        return key, self._replace_whole(value) if is_redacted else walk.value(value, inner)

    def is_card(self, number: Any) -> bool:
        """Tell whether a number is a card number, and cards are redacted."""
        if not self._has_cards or not SMALLEST <= abs(number) < LARGEST or number != int(number):
            return False
        return is_card(str(abs(int(number))))

    def redact_card(self, number: Any) -> Any:
        """Return the replacement of a number that is a card number."""
        self.statistics.count("cards")
        return REMOVED if self._removes else self.masking.replace(str(abs(int(number))), "cards")

    def redact_text(self, text: str, depth: int) -> Any:
        """Return a text inside a value; :data:`REMOVED` if nothing is left of it."""
        if text in self.known or not self._may_change(text):
            return text
        redacted = self._redact_text(text, depth)
        return REMOVED if self._removes and text and not redacted else redacted

    def _redact_text(self, text: str, depth: int) -> str:
        try:
            redacted = self._texts.redact(text, self._value_at, depth)
            if redacted is text and len(text) <= LONGEST_KNOWN:
                self.known.keep(text)
            return redacted
        except Exception:
            return self.masking.mark(UNSAFE)

    def _value_at(self, value: Any, depth: int) -> Any:
        redacted = Walk(self, depth).value(value, "")
        return "" if redacted is REMOVED else redacted

    def _text_of_key(self, key: str) -> str:
        return self.text(key) or (self.masking.mark(UNSAFE) if key else key)

    def _replace_whole(self, value: Any) -> Any:
        """Return the replacement of a value whose key is redacted."""
        if value is None or (isinstance(value, str) and self.masking.is_placeholder(plain_text(value))):
            return value
        self.statistics.count(KEY)
        if self._removes:
            return REMOVED
        try:
            text = plain_text(value) if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
            return self.masking.replace(text, KEY)
        except Exception:
            return self.masking.mark(KEY)

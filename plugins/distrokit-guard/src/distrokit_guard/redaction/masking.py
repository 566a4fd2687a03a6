"""The text that replaces a secret.

It is ``[redacted:RULE]``, or ``[redacted:RULE:HASH]``. A rule never replaces it again, so redacting twice gives the
same. The hash is written with the letters ``a`` to ``p``, since hexadecimal digits could be taken for a card number.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterator

from distrokit_guard.redaction.names import Action

#: Names of rules; they stand in placeholders.
RULE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
#: The rules of the engine itself: a key that is redacted, a text that was cut, a value that cannot be redacted safely.
KEY, LENGTH, UNSAFE = "key", "length", "unsafe"
_PREFIX = "[redacted:"
_PLACEHOLDER = re.compile(rf"\[redacted:(?P<rule>{RULE_NAME.pattern})(?::[a-p]{{32}})?\]")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class Masking:
    """Makes and recognises placeholders.

    Args:
        action: ``mask``, ``hash``, or ``remove``, which replaces by nothing.
        key: the secret of ``hash`` (HMAC-SHA-256, of which 128 bits are shown).
        rules: the names of all rules; a placeholder of another rule is an ordinary text.

    Raises:
        ValueError: ``hash`` without a key.
    """

    def __init__(self, action: Action, key: bytes, rules: Collection[str]) -> None:
        if action == "hash" and not key:
            raise ValueError("the action hash needs a key")
        self.action = action
        self._key = key
        self._rules = frozenset({*rules, KEY, LENGTH, UNSAFE})

    def replace(self, secret: str, rule: str) -> str:
        """Return the replacement of a secret; empty for ``remove``."""
        if self.action == "mask":
            return f"{_PREFIX}{rule}]"
        if self.action == "remove":
            return ""
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
        return f"{_PREFIX}{rule}:{digest.translate(_LETTERS)}]"

    def mark(self, rule: str) -> str:
        """Return a placeholder without a hash, whatever the action is."""
        return f"{_PREFIX}{rule}]"

    def placeholders(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the places of placeholders."""
        if _PREFIX in text:
            for found in _PLACEHOLDER.finditer(text):
                if found["rule"] in self._rules:
                    yield found.span()

    def hide_placeholders(self, text: str) -> str:
        """Return the text with one control character in place of each placeholder, which no rule is about."""
        for start, end in reversed(list(self.placeholders(text))):
            text = f"{text[:start]}\0{text[end:]}"
        return text

    def end_of_placeholder(self, text: str, start: int) -> int:
        """Return the end of a placeholder that begins there; 0 if none does."""
        found = _PLACEHOLDER.match(text, start)
        return found.end() if found is not None and found["rule"] in self._rules else 0

    def is_placeholder(self, text: str) -> bool:
        """Tell whether the text is one placeholder and nothing else."""
        if not text.startswith(_PREFIX):
            return False
        found = _PLACEHOLDER.fullmatch(text)
        return found is not None and found["rule"] in self._rules

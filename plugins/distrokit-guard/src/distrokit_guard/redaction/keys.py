"""Rules about keys: which attributes are redacted whatever their value is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase, translate
from typing import NamedTuple

#: The number of keys whose decision is kept, and the longest of them.
_KNOWN, _LONGEST = 4096, 256
#: A longer key is redacted with its value: nobody has one, and a glob would take long.
_LONGEST_KEY = 1024


class KeyDecision(NamedTuple):
    """A key that does not stay as it is.

    Attributes:
        is_redacted: whether a glob matches it, and so its value is redacted.
        key: the key to go on with.
    """

    is_redacted: bool
    key: str


class KeyRules(dict[str, "KeyDecision | None"]):
    """Decides about keys: look one up. ``None``: the key and its value stay.

    Most processes have few keys, so each is decided once.

    Args:
        globs: of keys, in any case; ``*`` matches dots, too.
        redact_text: redacts secrets in the key itself.
        hide_placeholders: makes a key that was redacted one that no glob is about.
        too_long: the key that takes the place of one that is too long.

    Attributes:
        plain: those of the known keys that stay with their values.
        has_paths: whether a glob may match a path of nested keys.
        idle: the globs that matched no key so far.
    """

    def __init__(
        self,
        globs: Sequence[str],
        redact_text: Callable[[str], str],
        hide_placeholders: Callable[[str], str],
        too_long: str,
    ) -> None:
        super().__init__()
        self._match = re.compile("|".join(translate(glob.lower()) for glob in globs)).match if globs else None
        self.idle = dict.fromkeys(globs)
        self._redact_text, self._hide_placeholders, self._too_long = redact_text, hide_placeholders, too_long
        self.has_paths = any("." in glob for glob in globs)
        self.plain: set[str] = set()

    def __missing__(self, key: str) -> KeyDecision | None:
        decision = self._decide(key)
        if len(key) <= _LONGEST:
            if len(self) >= _KNOWN:
                # Keys that never repeat; those that do are here again soon.
                self.clear()
                self.plain.clear()
            self[key] = decision
            if decision is None:
                self.plain.add(key)
        return decision

    def match(self, key: str) -> bool:
        """Tell whether a glob matches a key, or a path; one that is too long counts as matched."""
        if self._match is None:
            return False
        if len(key) > _LONGEST_KEY:
            return True
        lower = self._hide_placeholders(key).lower()
        matched = self._match(lower) is not None
        if matched and self.idle:
            self.idle = {glob: None for glob in self.idle if not fnmatchcase(lower, glob.lower())}
        return matched

    def _decide(self, key: str) -> KeyDecision | None:
        if len(key) > _LONGEST_KEY:
            return KeyDecision(True, self._too_long)
        is_redacted, redacted = self.match(key), self._redact_text(key)
        return KeyDecision(is_redacted, redacted) if is_redacted or redacted != key else None

"""Regular expressions in RE2's syntax: those that Python runs in linear time, or all of them with ``google-re2``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from distrokit.patterns.safety import check_pattern
from distrokit.patterns.units import PatternRefusedError
from distrokit_policy.engine.re2_syntax import UnsupportedSyntaxError, translate

#: A text is searched in pieces of so many characters, each from the middle of the one before, if the time grows with
#: the square of its length; so it may take some 20 ms a piece.
_PIECE = 4096
#: The most steps at each place of such a pattern, and the longest pattern.
_MOST_STEPS, _LONGEST = 3, 4096
_INSTALL = "install google-re2, which runs any pattern"


class InvalidRegexError(ValueError):
    """A pattern that is no regular expression, or that may take more than linear time."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern.

    Attributes:
        text: as the user wrote it.
        compiled: with the methods of :class:`re.Pattern`; of ``re`` or of ``re2``.
        python: the same in Python's syntax; empty if it has no such form.
        is_linear: whether any text takes a short time, as with RE2.
    """

    text: str
    compiled: Any
    python: str = ""
    is_linear: bool = False

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def compile_regex(text: str, *, ignore_case: bool = False) -> Pattern:
    """Compile a pattern of RE2's syntax.

    Raises:
        InvalidRegexError: it is not accepted; the message has the reason.
    """
    if len(text) > _LONGEST:
        raise InvalidRegexError(f"it has more than {_LONGEST:,} characters")
    try:
        python = translate(text)
        if ignore_case:
            python = f"(?i:{python})"
        checked = check_pattern(python, allow_restarts=True)
        compiled = _compile_with_re2(text, ignore_case=ignore_case) if checked.restarts else None
        if compiled is not None:
            return Pattern(text, compiled, python, is_linear=True)
        if checked.restarts and checked.steps > _MOST_STEPS:
            raise PatternRefusedError("a run without an upper bound may begin inside itself", "")
        return Pattern(text, InPieces(checked.regex) if checked.restarts else checked.regex, python)
    except UnsupportedSyntaxError as error:
        reason, is_wrong = str(error), error.is_wrong
    except PatternRefusedError as error:
        reason, is_wrong = error.reason, "no regular expression" in error.reason
    if not is_wrong:
        compiled = _compile_with_re2(text, ignore_case=ignore_case)
        if compiled is not None:
            return Pattern(text, compiled, is_linear=True)
        reason = f"{reason}; {_INSTALL}"
    raise InvalidRegexError(reason)


def _compile_with_re2(text: str, *, ignore_case: bool) -> Any:
    """Return a pattern of ``google-re2``; ``None`` if that is not installed."""
    try:
        # By name: it has no types.
        re2: Any = import_module("re2")
        options = re2.Options()
    except (ImportError, AttributeError):
        # Another package has this name, too.
        return None
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return _AnyText(re2.compile(text, options=options))
    except re2.error as error:
        cause = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise InvalidRegexError(cause) from None


class _AnyText:
    """A pattern of RE2, which takes texts that cannot be encoded, too.

    Args:
        regex: a pattern of ``re2``.
    """

    def __init__(self, regex: Any) -> None:
        self._regex = regex
        self.groups, self.groupindex = regex.groups, regex.groupindex

    def search(self, text: str) -> Any:
        """Return the first match; ``None`` if there is none."""
        try:
            return self._regex.search(text)
        except UnicodeError:
            return self._regex.search(_encodable(text))

    def finditer(self, text: str) -> Iterator[Any]:
        """Yield matches that do not overlap."""
        try:
            yield from list(self._regex.finditer(text))
        except UnicodeError:
            yield from self._regex.finditer(_encodable(text))


def _encodable(text: str) -> str:
    """Return a text of the same length without lone surrogates."""
    return text.encode("utf-8", "replace").decode()


class InPieces:
    """A pattern that is searched in short pieces of a text: a match that is longer than half a piece may be missed.

    Args:
        regex: whose time grows with the square of a text's length.
    """

    def __init__(self, regex: re.Pattern[str]) -> None:
        self._regex = regex
        self.groups, self.groupindex = regex.groups, regex.groupindex

    def search(self, text: str) -> Any:
        """Return the first match; ``None`` if there is none."""
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[Any]:
        """Yield matches that do not overlap."""
        start = 0
        while True:
            last, end = start, start + _PIECE
            for found in self._regex.finditer(text, start, end):
                # One that ends with the piece may go on behind it.
                if found.end() == end < len(text):
                    break
                yield found
                last = max(found.end(), last)
            if end >= len(text):
                return
            start = max(last, end - _PIECE // 2)


_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<number>\d{1,2})|\{(?P<braced>\w+)\})")


class Template:
    """A replacement with references: ``$0``, ``$1`` to ``$99``, ``${1}``, ``${name}``, and ``$$`` for a dollar sign.

    A reference to a group that the pattern does not have, or that matched nothing, is the empty text.

    Args:
        text: the replacement.
        pattern: whose groups it names.
    """

    def __init__(self, text: str, pattern: Pattern) -> None:
        groups, names = pattern.compiled.groups, pattern.compiled.groupindex
        self._parts: list[str | int] = []
        end = 0
        for found in _REFERENCE.finditer(text):
            self._parts.append(text[end : found.start()])
            end = found.end()
            name = found["number"] or found["braced"]
            if found["dollar"]:
                self._parts.append("$")
            elif name.isdecimal():
                self._parts.append(int(name) if int(name) <= groups else "")
            else:
                self._parts.append(names.get(name, ""))
        self._parts.append(text[end:])
        self._is_fixed = all(isinstance(part, str) for part in self._parts)
        self._fixed = "".join(part for part in self._parts if isinstance(part, str))

    def expand(self, found: Any) -> str:
        """Return the replacement for one match."""
        if self._is_fixed:
            return self._fixed
        return "".join(part if isinstance(part, str) else (found.group(part) or "") for part in self._parts)

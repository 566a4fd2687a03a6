"""Markers: conditions of requirements (packaging specification, *Dependency specifiers*)."""

from __future__ import annotations

import operator
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping

from distrokit.lazy.entry_point_files import normalize
from distrokit.plugins.requirements.versions import InvalidRequirement, Specifiers

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<word>not\s+in\b|[a-z_.]+)|(?P<sign>===|[~=!<>]=|[<>()]))")
_SIGNS: dict[str, Callable[[str, str], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Marker:
    """A condition such as ``python_version < "3.11" and extra == "dev"``.

    Raises: :class:`InvalidRequirement`.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._tokens = list(_tokens(self._text))
        self.evaluate()

    def evaluate(self, environment: Mapping[str, str] | None = None) -> bool:
        """Tell whether the condition holds in this Python.

        Args:
            environment: overrides values of this Python; ``extra`` is empty without it.
        """
        known = {**_environment(), **(environment or {})}
        tokens = iter([*self._tokens, ""])
        value, rest = _any_of(next(tokens), tokens, known)
        if rest:
            raise InvalidRequirement(f"{self._text!r} is not a marker")
        return value

    def __str__(self) -> str:
        return self._text


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidRequirement(f"{text!r} is not a marker")
        yield re.sub(r"\s+", " ", found[0].strip()) if found["word"] else found[0].strip()
        at = found.end()


def _any_of(word: str, tokens: Iterator[str], known: Mapping[str, str]) -> tuple[bool, str]:
    value, word = _all_of(word, tokens, known)
    while word == "or":
        other, word = _all_of(next(tokens, ""), tokens, known)
        value = value or other
    return value, word


def _all_of(word: str, tokens: Iterator[str], known: Mapping[str, str]) -> tuple[bool, str]:
    value, word = _one(word, tokens, known)
    while word == "and":
        other, word = _one(next(tokens, ""), tokens, known)
        value = value and other
    return value, word


def _one(word: str, tokens: Iterator[str], known: Mapping[str, str]) -> tuple[bool, str]:
    if word == "(":
        value, word = _any_of(next(tokens, ""), tokens, known)
        if word != ")":
            raise InvalidRequirement("a bracket in a marker is not closed")
        return value, next(tokens, "")
    sign, other = next(tokens, ""), next(tokens, "")
    left, right = _value(word, known), _value(other, known)
    if "extra" in (word, other):
        left, right = normalize(left), normalize(right)
    return _compare(left, sign, right), next(tokens, "")


def _value(word: str, known: Mapping[str, str]) -> str:
    if word[:1] in ("'", '"'):
        return word[1:-1]
    if word not in known:
        raise InvalidRequirement(f"{word!r} is unknown in a marker")
    return known[word]


def _compare(left: str, sign: str, right: str) -> bool:
    if sign in ("in", "not in"):
        return (left in right) == (sign == "in")
    try:
        return Specifiers(sign + right).contains(left)
    except InvalidRequirement:
        compare = _SIGNS.get(sign)
        if compare is None:
            raise
        return compare(left, right)


def _environment() -> dict[str, str]:
    version = ".".join(map(str, sys.implementation.version[:3]))
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "sys_platform": sys.platform,
        "extra": "",
    }

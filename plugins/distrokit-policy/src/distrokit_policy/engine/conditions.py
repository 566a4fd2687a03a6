"""Makes a function of a matcher: whether an item matches.

A text condition is true for texts and, as lowercase hexadecimal digits, for bytes; not for a missing or an empty text.
Values of different types are not equal, but for numbers. Nothing raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from distrokit_policy.engine.access import Access, Read, plain, text_of
from distrokit_policy.engine.policies import Matcher
from distrokit_policy.engine.regex import Pattern

#: True if a value matches.
Test = Callable[[Any], bool]
#: True if an item matches.
Check = Callable[[Any], bool]

#: A regular expression is searched in so many characters of a text.
LONGEST_SEARCH = 65_536
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
#: Kinds of selectors with several values: the condition is true if it is for one of them.
_SEVERAL = ("event name", "event attribute", "link")


def make_check(matcher: Matcher, access: Access) -> Check:
    """Return what tells whether an item matches."""
    read = access.reader(matcher.selector)
    if matcher.operator == "exists":
        return _make_existence(matcher, read)
    pattern = matcher.value
    if isinstance(pattern, Pattern) and not pattern.is_linear and matcher.selector.kind not in _SEVERAL:
        return _make_search(pattern.compiled.search, read, negate=matcher.negate)
    test = make_test(matcher)
    if matcher.selector.kind in _SEVERAL:
        if matcher.negate:
            return lambda item: not any(map(test, read(item)))
        return lambda item: any(map(test, read(item)))
    if matcher.negate:
        return lambda item: not test(read(item))
    return lambda item: test(read(item))


def _make_existence(matcher: Matcher, read: Read) -> Check:
    wanted = bool(matcher.value) != matcher.negate
    if matcher.selector.kind in _SEVERAL:
        return lambda item: bool(read(item)) is wanted
    return lambda item: (read(item) is not None) is wanted


def _make_search(search: Callable[[str], Any], read: Read, *, negate: bool) -> Check:
    """Return what searches the beginning of a text, since a long one takes long, and the application waits for it.

    Without a match there, it is not known whether there is one behind it: then the policy does not match.
    """

    def check(item: Any) -> bool:
        text = text_of(read(item))
        if not text:
            return negate
        if len(text) <= LONGEST_SEARCH:
            return (search(text) is not None) is not negate
        found = search(text[:LONGEST_SEARCH])
        return found is not None and found.end() < LONGEST_SEARCH and not negate

    return check


def make_test(matcher: Matcher) -> Test:
    """Return what tells whether a value matches, without regard to ``negate``."""
    test = _make_plain_test(matcher)
    return lambda value: test(value) if type(value) in _PLAIN else test(plain(value))


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def _make_plain_test(matcher: Matcher) -> Test:
    wanted: Any = matcher.value
    if matcher.operator in _COMPARISONS:
        compare = _COMPARISONS[matcher.operator]
        return lambda value: type(value) in _NUMBERS and compare(value, wanted)
    if matcher.operator == "equals":
        return _make_equality(wanted, fold=matcher.case_insensitive)
    return _of_text(_make_text_test(matcher))


_NUMBERS = frozenset({int, float})


def _make_equality(wanted: Any, *, fold: bool) -> Test:
    if type(wanted) in _NUMBERS:
        return lambda value: type(value) in _NUMBERS and value == wanted
    kind = type(wanted)
    if kind is str and fold:
        folded = wanted.lower()
        return lambda value: type(value) is str and value.lower() == folded
    return lambda value: type(value) is kind and value == wanted


def _make_text_test(matcher: Matcher) -> Callable[[str], Any]:
    if matcher.operator == "regex":
        pattern: Any = matcher.value
        search: Callable[[str], Any] = pattern.compiled.search
        return lambda text: search(text[:LONGEST_SEARCH])
    wanted = str(matcher.value)
    fold = matcher.case_insensitive
    if fold:
        wanted = wanted.lower()
    test: Callable[[str], bool]
    if matcher.operator == "starts_with":
        test = lambda text: text.startswith(wanted)  # noqa: E731  (one of three)
    elif matcher.operator == "ends_with":
        test = lambda text: text.endswith(wanted)  # noqa: E731
    else:
        test = lambda text: wanted in text  # noqa: E731
    return (lambda text: test(text.lower())) if fold else test


def _of_text(test: Callable[[str], Any]) -> Test:
    def of_text(value: Any) -> bool:
        if type(value) is bytes:
            value = value.hex()
        return type(value) is str and value != "" and bool(test(value))

    return of_text

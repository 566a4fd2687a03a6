"""Finds the policies that may match an item, so that the cost follows them and not the number of all policies.

Each policy stands in one place only: under the condition of it that fewest policies share. A value that must be equal
is looked up, and so is the beginning or end of a text; a text that must be contained is found by three characters in a
row. A policy without such a condition is tried with each item.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from distrokit.patterns.literals import GRAM, Gram, divide, find_literals
from distrokit.patterns.regex_tree import parse
from distrokit_policy.engine.access import Access, text_of
from distrokit_policy.engine.policies import Matcher, Selector
from distrokit_policy.engine.regex import Pattern

P = TypeVar("P")

#: Up to so many texts are looked for one by one.
_FEW = 24
#: How much a place costs more than that of an equal value, as a number of policies that share it.
_COSTS = {"equals": 0, "starts_with": 1, "ends_with": 1, "contains": 2, "key": 3}
_SEVERAL = ("event name", "event attribute", "link")


class Place(NamedTuple):
    """Where a policy may stand in the index.

    Attributes:
        how: ``equals``, ``starts_with``, ``ends_with``, ``contains`` or ``key``: an attribute that there must be.
        text: the value, or the key.
    """

    how: str
    selector: Selector
    text: str


def places_of(matcher: Matcher) -> list[Place]:
    """Return the places that follow from one condition: none if it may be true without a certain text."""
    selector = matcher.selector
    if matcher.negate or selector.kind in _SEVERAL or (matcher.operator == "exists" and not matcher.value):
        return []
    places = [Place("key", selector, selector.path[0])] if selector.kind == "attribute" else []
    if matcher.case_insensitive or (selector.kind == "attribute" and len(selector.path) > 1):
        return places
    value = matcher.value
    if matcher.operator == "regex" and isinstance(value, Pattern):
        how, text = _fixed_text(value)
        return [*places, Place(how, selector, text)] if text else places
    is_long = matcher.operator != "contains" or (isinstance(value, str) and len(value) >= GRAM)
    if isinstance(value, str) and value and matcher.operator in _COSTS and is_long:
        places.append(Place(matcher.operator, selector, value))
    return places


def _fixed_text(pattern: Pattern) -> tuple[str, str]:
    """Return a text that is in each match, and whether the value begins with it; an empty text if there is none."""
    if not pattern.python:
        return "", ""
    tree, flags, _ = parse(pattern.python)
    if flags & 2:
        return "", ""
    text = ""
    if tree and tree[0] == ("AT", tree[0][1]) and str(tree[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        for operator, argument in tree[1:]:
            if operator != "LITERAL":
                break
            text += chr(argument)
        if text and not flags & 8:
            return "starts_with", text
    literals = [literal for literal in find_literals(tree, lower=False) if len(literal) >= GRAM]
    return "contains", max(literals, key=len, default="")


class Index(Generic[P]):
    """The index of the policies for one kind of items.

    Args:
        policies: each with its conditions.
        access: reads the items.
    """

    def __init__(self, policies: Sequence[tuple[P, Sequence[Matcher]]], access: Access) -> None:
        places = [[place for matcher in matchers for place in places_of(matcher)] for _, matchers in policies]
        shared = Counter(place for each in places for place in each)
        #: Those that are tried with each item.
        self.always: list[P] = []
        fields: dict[tuple[str, Selector], list[tuple[str, P]]] = {}
        self._keys: dict[str, _Key[P]] = {}
        for (policy, _), candidates in zip(policies, places, strict=True):
            if not candidates:
                self.always.append(policy)
                continue
            place = min(candidates, key=lambda place: shared[place] + _COSTS[place.how])
            if place.selector.kind == "attribute":
                self._keys.setdefault(place.selector.path[0], _Key()).add(place, policy)
            else:
                fields.setdefault((place.how, place.selector), []).append((place.text, policy))
        for key in self._keys.values():
            key.finish()
        self._fields = [(access.reader(selector), _FINDERS[how](texts)) for (how, selector), texts in fields.items()]
        self._attributes = access.attributes

    def find(self, item: Any) -> list[P]:
        """Return the policies that may match, in no order; each once."""
        found = [*self.always]
        for read, find in self._fields:
            value = text_of(read(item))
            if value is not None:
                found += find(value)
        if self._keys:
            attributes = self._attributes(item)
            if attributes:
                keys = self._keys
                for name in attributes if len(attributes) < len(keys) else keys:
                    key = keys.get(name)
                    if key is not None and name in attributes:
                        found += key.find(attributes[name])
        return found


class _Key(Generic[P]):
    """The policies for one attribute."""

    def __init__(self) -> None:
        self._any: list[P] = []
        self._texts: dict[str, list[tuple[str, P]]] = {}
        self._finders: list[Callable[[str], Iterable[P]]] = []

    def add(self, place: Place, policy: P) -> None:
        if place.how == "key":
            self._any.append(policy)
        else:
            self._texts.setdefault(place.how, []).append((place.text, policy))

    def finish(self) -> None:
        self._finders = [_FINDERS[how](texts) for how, texts in self._texts.items()]

    def find(self, value: Any) -> list[P]:
        found = self._any
        text = text_of(value) if self._finders else None
        if text is not None:
            for find in self._finders:
                found = [*found, *find(text)]
        return found


def _group(texts: Iterable[tuple[Hashable, P]]) -> dict[Any, list[P]]:
    grouped: dict[Any, list[P]] = {}
    for text, policy in texts:
        grouped.setdefault(text, []).append(policy)
    return grouped


def _find_equal(texts: Sequence[tuple[str, P]]) -> Callable[[str], Iterable[P]]:
    grouped = _group(texts)
    return lambda value: grouped.get(value, ())


def _find_beginning(texts: Sequence[tuple[str, P]]) -> Callable[[str], Iterable[P]]:
    grouped, lengths = _group(texts), sorted({len(text) for text, _ in texts})
    return lambda value: [policy for n in lengths if n <= len(value) for policy in grouped.get(value[:n], ())]


def _find_ending(texts: Sequence[tuple[str, P]]) -> Callable[[str], Iterable[P]]:
    grouped, lengths = _group(texts), sorted({len(text) for text, _ in texts})
    return lambda value: [policy for n in lengths if n <= len(value) for policy in grouped.get(value[-n:], ())]


def _find_contained(texts: Sequence[tuple[str, P]]) -> Callable[[str], Iterable[P]]:
    def one_by_one(value: str) -> list[P]:
        return [policy for text, policy in texts if text in value]

    if len(texts) <= _FEW:
        return one_by_one
    grams: dict[Gram, list[tuple[str, P]]] = {}
    for text, policy in texts:
        # One that few policies have.
        gram = min(divide(text), key=lambda gram: len(grams.get(gram, ())))
        grams.setdefault(gram, []).append((text, policy))
    known = grams.keys()

    def find(value: str) -> list[P]:
        # To divide a text of a million characters takes 0.1 s; to look for ten thousand texts in it ten.
        common = known & divide(value)
        return [policy for gram in common for text, policy in grams[gram] if text in value]

    return find


_FINDERS: dict[str, Callable[[Any], Callable[[str], Iterable[Any]]]] = {
    "equals": _find_equal,
    "starts_with": _find_beginning,
    "ends_with": _find_ending,
    "contains": _find_contained,
}

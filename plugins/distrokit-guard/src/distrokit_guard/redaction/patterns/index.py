"""Finds the matches of many patterns at once.

Most patterns contain a literal text that is in each of their matches. Of each, three characters in a row are indexed.
A text is divided into all its groups of three once, however many patterns there are; only those whose group is in the
text are tried. The other patterns are tried one by one, after one search for all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from distrokit.patterns.literals import GRAM, Gram, divide, find_literals
from distrokit.patterns.regex_tree import convert, parse
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern

#: The number of patterns up to which there is no index.
_FEW = 24
#: Longer than any text.
_LONGEST = 1 << 62
_find_digit = re.compile(r"\d").search
#: The most patterns in one search: the time of a search grows with them.
_TOGETHER = 50


class _Literals:
    """Patterns by a literal text that is in each of their matches.

    Args:
        patterns: each with its literal texts, of at least three characters.
    """

    def __init__(self, patterns: Sequence[tuple[OwnPattern, list[str]]]) -> None:
        self.patterns = [pattern for pattern, _ in patterns]
        # A few are looked for one by one, many by their groups of three characters.
        self._few = [(max(texts, key=len), pattern) for pattern, texts in patterns] if len(patterns) <= _FEW else []
        self._index: dict[Gram, list[OwnPattern]] = {}
        for pattern, texts in patterns if len(patterns) > _FEW else ():
            grams = [gram for text in texts for gram in divide(text)]
            # One that few patterns have.
            gram = min(grams, key=lambda gram: len(self._index.get(gram, ())))
            self._index.setdefault(gram, []).append(pattern)
        self._grams = set(self._index)

    def may_find(self, text: str) -> bool:
        """Tell whether a literal text, or its group of three, is in this one."""
        for literal, _ in self._few:
            if literal in text:
                return True
        return bool(self._grams) and not self._grams.isdisjoint(divide(text))

    def candidates(self, text: str) -> Iterator[OwnPattern]:
        """Yield the patterns that may match."""
        yield from (pattern for literal, pattern in self._few if literal in text)
        if self._grams:
            for gram in self._grams & set(divide(text)):
                yield from self._index[gram]


class PatternIndex:
    """The patterns of one redactor.

    Args:
        patterns: which were checked.
    """

    def __init__(self, patterns: Sequence[OwnPattern]) -> None:
        exact: list[tuple[OwnPattern, list[str]]] = []
        lower: list[tuple[OwnPattern, list[str]]] = []
        # Those without a literal text: those that need a digit, and others.
        self._digits: list[OwnPattern] = []
        self._others: list[OwnPattern] = []
        self._shortest = _LONGEST
        for pattern in patterns:
            tree, flags, shortest = parse(pattern.regex.pattern)
            ignores_case = bool(flags & re.IGNORECASE)
            literals = [literal for literal in find_literals(tree, ignores_case) if len(literal) >= GRAM]
            if literals:
                (lower if ignores_case else exact).append((pattern, literals))
                continue
            self._shortest = min(self._shortest, shortest)
            (self._digits if _needs_digit(tree) else self._others).append(pattern)
        # Of patterns that ignore the case, the literal texts are in lower case.
        self._exact, self._lower = (_Literals(each) if each else None for each in (exact, lower))
        self._search_digits, self._search_others = list(_combine(self._digits)), list(_combine(self._others))

    def may_find(self, text: str) -> bool:
        """Tell whether a text may have a match; false is certain."""
        if self._exact is not None and self._exact.may_find(text):
            return True
        # Patterns that ignore the case match characters whose lower case is another text: these texts are tried.
        if self._lower is not None and (not text.isascii() or self._lower.may_find(text.lower())):
            return True
        return len(text) >= self._shortest and self._may_find_others(text)

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Return start, end and name of all matches."""
        found: list[tuple[int, int, str]] = []
        for pattern in self._candidates(text):
            group, name = pattern.group, pattern.name
            found += [(*m.span(group), name) for m in pattern.regex.finditer(text) if m.end(group) > m.start(group)]
        return found

    def _may_find_others(self, text: str) -> bool:
        for search in self._search_others:
            if search(text):
                return True
        if self._search_digits and _find_digit(text):
            for search in self._search_digits:
                if search(text):
                    return True
        return False

    def _candidates(self, text: str) -> Iterator[OwnPattern]:
        yield from self._others
        if self._digits and _find_digit(text):
            yield from self._digits
        if self._exact is not None:
            yield from self._exact.candidates(text)
        if self._lower is not None:
            yield from self._lower.candidates(text.lower()) if text.isascii() else self._lower.patterns


def _needs_digit(node: Any) -> bool:
    """Tell whether each match has a digit."""
    for operator, argument in convert(node):
        if operator == "LITERAL" and chr(argument).isdecimal():
            return True
        if operator == "IN" and all(map(_is_of_digits, argument)):
            return True
        if operator == "SUBPATTERN" and _needs_digit(argument[3]):
            return True
        if operator in ("MAX_REPEAT", "MIN_REPEAT") and argument[0] >= 1 and _needs_digit(argument[2]):
            return True
    return False


def _is_of_digits(item: Any) -> bool:
    kind, value = str(item[0]), item[1]
    if kind == "RANGE":
        return bool(value[0] >= ord("0") and value[1] <= ord("9"))
    return str(value) == "CATEGORY_DIGIT" or (kind == "LITERAL" and chr(value).isdecimal())


def _combine(patterns: Sequence[OwnPattern]) -> Iterator[Any]:
    """Yield searches, each for several patterns."""
    for start in range(0, len(patterns), _TOGETHER):
        together = patterns[start : start + _TOGETHER]
        parts = [_group(pattern.regex, f"p{start + n}_") for n, pattern in enumerate(together)]
        try:
            yield re.compile("|".join(parts)).search
        except re.error:
            # Each of them is a regular expression: what is wrong together is searched for one by one.
            yield from (pattern.regex.search for pattern in together)


def _group(regex: re.Pattern[str], prefix: str) -> str:
    """Return a pattern as a group, with its own flags, and with names of groups that no other one has."""
    letters = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}
    flags = "".join(letter for flag, letter in letters.items() if regex.flags & flag)
    # Flags of the whole pattern stand at its beginning; comments, and blanks of a verbose pattern, may be among them.
    blank = r"|\s" if regex.flags & re.VERBOSE else ""
    body = re.sub(rf"\A(?:\(\?[aimsux]+\)|\(\?#[^)]*\){blank})+", "", regex.pattern)
    if regex.groupindex:
        body = re.sub(r"\(\?P<(?=\w)", f"(?P<{prefix}", body)
    # A pattern with comments may end with one, which lasts to the end of its line.
    return f"(?{flags}:{body}" + ("\n)" if regex.flags & re.VERBOSE else ")")

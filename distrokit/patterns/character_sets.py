"""Sets of characters, to find out whether two parts of a pattern may match the same character.

A set holds code points of a sample: Latin-1, one member of each class of ``re`` beyond it, and everything that the
pattern names itself. Two sets of one pattern have a common character if and only if they have one in the sample.
"""

from __future__ import annotations

import re
from typing import Any

Characters = frozenset[int]

#: Beyond Latin-1: a letter, a digit, a space, and a character that is none of these.
_OTHERS = (0x416, 0x663, 0x2003, 0x20AC, 0x130, 0x131, 0x17F, 0x212A, 0x1F600)
#: The largest range of characters that a pattern may name.
_LARGEST_RANGE = 70_000
_CLASSES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}


class TooManyCharactersError(ValueError):
    """A pattern names a range that is too large."""


class CharacterSets:
    """Computes the sets of one pattern.

    Args:
        tree: of the whole pattern; the characters that it names become part of the sample.
        flags: of the pattern.
    """

    def __init__(self, tree: Any, flags: int) -> None:
        named: set[int] = set()
        _collect(tree, named)
        if len(named) > _LARGEST_RANGE:
            raise TooManyCharactersError
        self.all: Characters = frozenset({*range(256), *_OTHERS, *(c for n in named for c in _cases(n))})
        self._classes = {
            name: frozenset(c for c in self.all if re.match(regex, chr(c), flags & re.ASCII))
            for name, regex in _CLASSES.items()
        }
        self.word = self._classes["CATEGORY_WORD"]

    def of(self, operator: str, argument: Any, flags: int) -> Characters:
        """Return the characters that a node for one character matches."""
        if operator == "ANY":
            return self.all if flags & re.DOTALL else self.all - {10}
        if operator == "LITERAL":
            return self._fold({int(argument)}, flags)
        if operator == "NOT_LITERAL":
            return self.all - self._fold({int(argument)}, flags)
        found: set[int] = set()
        negated = False
        for kind, value in argument:
            name = str(kind)
            if name == "NEGATE":
                negated = True
            elif name == "CATEGORY":
                found |= self._category(str(value))
            else:
                found.update(range(value[0], value[1] + 1) if name == "RANGE" else (value,))
        folded = self._fold(found, flags)
        return self.all - folded if negated else folded

    def _category(self, name: str) -> Characters:
        if name.startswith("CATEGORY_NOT_"):
            return self.all - self._classes[name.replace("NOT_", "")]
        return self._classes[name]

    def _fold(self, found: set[int], flags: int) -> Characters:
        if flags & re.IGNORECASE:
            found = {case for character in found for case in _cases(character)}
        return frozenset(found) & self.all


def _cases(character: int) -> set[int]:
    """Return a character in both cases, with those that ``re`` takes for the same."""
    text = chr(character)
    cases = {character, *(ord(c) for c in (text.lower(), text.upper(), text.title()) if len(c) == 1)}
    # Dotless and dotted i, long s, and the Kelvin sign.
    for letter, more in (("i", (0x130, 0x131)), ("s", (0x17F,)), ("k", (0x212A,))):
        if text.lower() == letter or character in more:
            cases |= {ord(letter), ord(letter.upper()), *more}
    return cases


def _collect(node: Any, named: set[int]) -> None:
    """Add the characters that a tree names."""
    if isinstance(node, tuple) and len(node) == 2:
        name = str(node[0])
        if name in ("LITERAL", "NOT_LITERAL"):
            named.add(int(node[1]))
            return
        if name == "RANGE":
            first, last = node[1]
            if last - first > _LARGEST_RANGE:
                raise TooManyCharactersError
            named.update(range(first, last + 1))
            return
    if isinstance(node, (list, tuple)) or hasattr(node, "data"):
        for child in node:
            _collect(child, named)

r"""Translates a pattern of RE2's syntax to Python's, in which it means the same.

RE2's syntax: https://github.com/google/re2/wiki/Syntax. What differs: the classes and word boundaries are ASCII's,
``$`` is the end of the text only, flags may stand anywhere, and there are classes of POSIX's, ``\Q…\E`` and ``\z``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from distrokit_policy.engine.re2_classes import CLASSES, POSIX

_LETTERS = {"a": r"\x07", "f": r"\f", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\v"}
_REPETITION = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAME = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{2}")
#: Sets of all characters.
_ANY_CHARACTER = (r"[\s\S]", r"[\S\s]", r"[\d\D]", r"[\D\d]", r"[\w\W]", r"[\W\w]")
_MOST_REPETITIONS, _DEEPEST = 1000, 100


class UnsupportedSyntaxError(ValueError):
    """A part of a pattern that cannot be translated.

    Args:
        reason: which part, and why.
        is_wrong: whether it is no part of RE2's syntax either.
    """

    def __init__(self, reason: str, *, is_wrong: bool = True) -> None:
        super().__init__(reason)
        self.is_wrong = is_wrong


def translate(text: str) -> str:
    """Return the pattern in Python's syntax.

    Raises:
        UnsupportedSyntaxError: it has a part that cannot be translated.
    """
    return _Translator(text).run()


@dataclass
class _Group:
    """A group that is open.

    Attributes:
        multiline: whether ``$`` is the end of each line.
        flags: flags that were set inside, as the beginning of a group that lasts to the end of the alternative.
        inner: the number of such groups that are open.
    """

    multiline: bool = False
    flags: str = ""
    inner: int = 0


class _Translator:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._out: list[str] = []
        self._groups = [_Group()]
        #: What was written last: nothing, something that can be repeated, an anchor, or a quantifier.
        self._last = "nothing"

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._groups) > 1:
            raise UnsupportedSyntaxError("missing closing )")
        self._out.append(")" * self._groups[0].inner)
        return "".join(self._out)

    def _step(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            if self._text.startswith(_ANY_CHARACTER, self._at):
                self._write("(?s:.)", len(_ANY_CHARACTER[0]))
            else:
                self._set()
        elif character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character == "|":
            self._alternative()
        elif character in "*+?":
            self._quantifier(character, 1)
        elif character == "{":
            self._braces()
        elif character in "^$":
            multiline = self._groups[-1].multiline
            self._write(character if multiline or character == "^" else r"\Z", 1, "anchor")
        else:
            self._write(character if character == "." else re.escape(character), 1)

    def _write(self, translated: str, length: int, last: str = "something") -> None:
        self._out.append(translated)
        self._at += length
        self._last = last

    # ------------------------------------------------------------------------------ repetitions

    def _quantifier(self, written: str, length: int) -> None:
        if self._last == "nothing":
            raise UnsupportedSyntaxError(f"missing argument to repetition operator {written}")
        if self._last == "anchor":
            raise UnsupportedSyntaxError("an anchor that is repeated is not supported", is_wrong=False)
        if self._last == "quantifier":
            raise UnsupportedSyntaxError(f"bad repetition operator {written} after another one")
        self._at += length
        if self._text.startswith("?", self._at):
            written, self._at = f"{written}?", self._at + 1
        self._out.append(written)
        self._last = "quantifier"

    def _braces(self) -> None:
        found = _REPETITION.match(self._text, self._at)
        if found is None:
            self._write(r"\{", 1)
            return
        low, high = int(found[1]), int(found[2] or 0)
        if max(low, high) > _MOST_REPETITIONS or (found[2] and high < low):
            raise UnsupportedSyntaxError(f"bad repetition {found[0]}")
        self._quantifier(found[0], len(found[0]))

    # ----------------------------------------------------------------------------------- groups

    def _open(self) -> None:
        group = self._groups[-1]
        if len(self._groups) > _DEEPEST:
            raise UnsupportedSyntaxError("it is nested too deeply")
        if not self._text.startswith("(?", self._at):
            self._push("(", 1, group.multiline)
            return
        named = _NAME.match(self._text, self._at)
        if named is not None:
            self._push(f"(?P<{named[1]}>", len(named[0]), group.multiline)
            return
        flags = _FLAGS.match(self._text, self._at)
        if flags is None:
            raise UnsupportedSyntaxError(
                f"{self._text[self._at : self._at + 4]} is not supported: RE2 has no lookaround and no conditions"
            )
        self._flags(flags)

    def _flags(self, found: re.Match[str]) -> None:
        on, off, end = found[1], found[2] or "", found[3]
        if "U" in on + off:
            raise UnsupportedSyntaxError("the flag U is not supported", is_wrong=False)
        group = self._groups[-1]
        multiline = ("m" in on) or (group.multiline and "m" not in off)
        written = f"(?{on}{'-' if off else ''}{off}:"
        if end == ":":
            self._push(written, len(found[0]), multiline)
        else:
            # For the rest of the group, and its further alternatives.
            group.multiline = multiline
            group.flags += written
            group.inner += 1
            self._write(written, len(found[0]), "nothing")

    def _push(self, written: str, length: int, multiline: bool) -> None:
        self._groups.append(_Group(multiline))
        self._write(written, length, "nothing")

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise UnsupportedSyntaxError("unexpected )")
        self._write(")" * (self._groups.pop().inner + 1), 1)

    def _alternative(self) -> None:
        group = self._groups[-1]
        self._write(f"{')' * group.inner}|{group.flags}", 1, "nothing")

    # ---------------------------------------------------------------------------------- escapes

    def _escape(self) -> None:
        if self._at + 1 >= len(self._text):
            raise UnsupportedSyntaxError("trailing backslash")
        letter = self._text[self._at + 1]
        if letter == "Q":
            end = self._text.find(r"\E", self._at + 2)
            literal = self._text[self._at + 2 : end if end >= 0 else len(self._text)]
            last = "something" if literal else self._last
            self._write(re.escape(literal), len(literal) + (4 if end >= 0 else 2), last)
        elif letter in "AbBz":
            self._write({"A": r"\A", "z": r"\Z"}.get(letter) or rf"(?a:\{letter})", 2, "anchor")
        elif letter in "dws":
            self._write(f"[{CLASSES[letter]}]", 2)
        elif letter in "DWS":
            self._write(f"[^{CLASSES[letter.lower()]}]", 2)
        else:
            character, length = self._character(self._at)
            self._write(re.escape(character), length)

    def _character(self, at: int) -> tuple[str, int]:
        """Return the character that an escape stands for, and the length of the escape."""
        rest = self._text[at + 1 : at + 10]
        if not rest:
            raise UnsupportedSyntaxError("trailing backslash")
        letter = rest[0]
        if letter in _LETTERS:
            return {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}[letter], 2
        found = _HEX.match(rest)
        if found is not None:
            number = int(found[1] or found[2], 16)
            if number <= 0x10FFFF:
                return chr(number), len(found[0]) + 1
        octal = _OCTAL.match(rest)
        if octal is not None:
            return chr(int(octal[0], 8)), len(octal[0]) + 1
        if letter in "pPC":
            raise UnsupportedSyntaxError(rf"\{letter} is not supported", is_wrong=False)
        if letter.isdecimal():
            raise UnsupportedSyntaxError(rf"\{letter} is not supported: RE2 has no back-references")
        if letter.isalnum() and letter.isascii():
            raise UnsupportedSyntaxError(rf"invalid escape sequence \{letter}")
        return letter, 2

    # ------------------------------------------------------------------------------------- sets

    def _set(self) -> None:
        start, at = self._at, self._at + 1
        negated = self._text.startswith("^", at)
        at += negated
        items: list[str] = []
        while at == start + 1 + negated or not self._text.startswith("]", at):
            item, low, at = self._set_item(at)
            if low and self._text.startswith("-", at) and not self._text.startswith("-]", at):
                upper, high, at = self._set_item(at + 1)
                if not high or ord(high) < ord(low):
                    raise UnsupportedSyntaxError(f"invalid character class range {item}-{upper}")
                item = f"{item}-{upper}"
            items.append(item)
        self._write(f"[{'^' if negated else ''}{''.join(items)}]", at + 1 - start)

    def _set_item(self, at: int) -> tuple[str, str, int]:
        """Return an item in Python's syntax, the character if it is one, and the place behind it."""
        if at >= len(self._text):
            raise UnsupportedSyntaxError("missing closing ]")
        if self._text.startswith("[:", at) and ":]" in self._text[at:]:
            end = self._text.index(":]", at)
            name = self._text[at + 2 : end]
            if name.removeprefix("^") not in POSIX:
                raise UnsupportedSyntaxError(f"invalid character class [:{name}:]")
            if name.startswith("^"):
                raise UnsupportedSyntaxError(f"[:{name}:] is not supported", is_wrong=False)
            return POSIX[name], "", end + 2
        character, length = self._text[at], 1
        if character == "\\":
            letter = self._text[at + 1 : at + 2]
            if letter and letter in "dwsDWS":
                return CLASSES[letter], "", at + 2
            character, length = self._character(at)
        return _in_set(character), character, at + length


def _in_set(character: str) -> str:
    return (
        f"\\{character}" if character.isascii() and not character.isalnum() and character.isprintable() else character
    )

"""Makes foreign text safe for a terminal: no control characters, cut to its column, in the terminal's encoding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size

_JOINER = "\u200d"  # joins emoji; without it they are printed side by side


@dataclass(frozen=True)
class Glyphs:
    """Characters for drawing."""

    rail: str = "│  "
    branch: str = "├─ "
    corner: str = "└─ "
    bar: str = "━"
    instant: str = "╸"
    mark: str = "✗"
    cut: str = "…"
    micro: str = "µ"
    rule: str = "─"


ASCII = Glyphs("|  ", "|- ", "`- ", "=", "|", "x", "...", "u", "-")
_UNICODE = Glyphs()


class Typeface:
    """Formats text for a terminal with a given encoding.

    Args:
        encoding: Python's name of it.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._limited = not encoding.lower().startswith("utf")
        self.glyphs = _UNICODE if self._has("".join(vars(_UNICODE).values())) else ASCII

    def clean(self, text: str, width: int) -> str:
        """Return one line without control characters, at most ``width`` columns wide; mark a cut."""
        # Cut early: a text may be huge, and a column needs few characters.
        cleaned = harmless(text[: width * 4 + 4])
        if self._limited:
            cleaned = cleaned.encode(self._encoding, "backslashreplace").decode(self._encoding)
        if cell_len(cleaned) <= width and len(text) <= width * 4 + 4:
            return cleaned
        kept = width - cell_len(self.glyphs.cut)
        return set_cell_size(cleaned, kept).rstrip() + self.glyphs.cut if kept > 0 else set_cell_size(cleaned, width)

    def duration(self, nanoseconds: int) -> str:
        """Format a duration with three digits and a unit, at most nine columns wide."""
        sign, size = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
        if size < 1000:
            return f"{sign}{size} ns"
        for unit, ns in ((f"{self.glyphs.micro}s", 10**3), ("ms", 10**6), ("s", 10**9)):
            if size < ns * (60 if unit == "s" else 1000):
                return f"{sign}{_three_digits(size / ns)} {unit}"
        seconds = size // 10**9
        if seconds < 3600:
            return f"{sign}{seconds // 60}m {seconds % 60:02d}s"
        if seconds < 86400:
            return f"{sign}{seconds // 3600}h {seconds % 3600 // 60:02d}m"
        return f"{sign}{seconds // 86400}d"

    def _has(self, characters: str) -> bool:
        try:
            characters.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True


def harmless(text: str) -> str:
    """Return the text on one line; control characters become visible escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    return "" if character == _JOINER else character.encode("unicode_escape").decode()


def as_text(value: Any) -> str:
    """Convert an attribute's value or a log record's body to text; empty for ``None``."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=repr)


def _three_digits(number: float) -> str:
    return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f}"

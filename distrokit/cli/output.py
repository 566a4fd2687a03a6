"""Output of the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distrokit.diagnostics import visible
from distrokit.settings.values import Value


def print_json(data: Any) -> None:
    """Print one JSON document on stdout; values of types that JSON lacks are printed as text."""
    print(json.dumps(data, indent=2, default=str, ensure_ascii=False))


def print_rows(rows: Iterable[Sequence[str]], indent: str = "  ") -> None:
    """Print columns aligned with blanks; empty cells at the end of a row are cut."""
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        print((indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip())


def format_value(value: Value[Any]) -> str:
    """Return a value as text, with secrets masked."""
    printable = value.printable()
    if isinstance(printable, Mapping):
        return ", ".join(f"{key}={text}" for key, text in printable.items()) or "none"
    if isinstance(printable, bool):
        return str(printable).lower()
    return str(printable) if printable not in ("", None) else "none"

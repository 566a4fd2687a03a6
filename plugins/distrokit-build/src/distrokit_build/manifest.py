"""The list of a folder's files, with their checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from distrokit_build.contents import CODE

_NAME = "files.txt"


def write(folder: Path) -> None:
    """Write the list of all files that are in a folder."""
    lines = [f"{_checksum(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    (folder / CODE / _NAME).write_text("".join(lines), encoding="utf-8")


def digest(folder: Path) -> str:
    """Return the SHA-256 of the list; empty without a list."""
    try:
        return _checksum(folder / CODE / _NAME)
    except OSError:
        return ""


def compare(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the files that are missing, those that are changed, and those that are new, but for byte code."""
    try:
        text = (folder / CODE / _NAME).read_text(encoding="utf-8")
    except OSError:
        return [f"{CODE}/{_NAME}"], [], []
    listed = {name: checksum for checksum, _, name in (line.partition("  ") for line in text.splitlines())}
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    missing = [name for name in listed if name not in found]
    changed = [name for name in listed if name in found and _checksum(found[name]) != listed[name]]
    # Pythons that may write in the folder add their byte code.
    new = [name for name in found if name not in listed and not name.endswith(".pyc") and name != f"{CODE}/{_NAME}"]
    return missing, changed, new


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

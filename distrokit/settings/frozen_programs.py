"""Programs that carry their own libraries: pex files, and executables made by PyInstaller.

They ignore PYTHONPATH, so a launcher cannot reach them, and no package can be installed into a finished one.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distrokit.diagnostics import Problem
from distrokit.lazy.entry_point_files import find_attached

#: The page of the documentation with the ways that work.
PAGE = "docs/frozen-programs.md"
#: The file that every pex contains, in its archive or in its folder.
_INFO = "PEX-INFO"
#: Marks an executable of PyInstaller (its *CArchive* format); and the bytes at its end that list the contents.
_COOKIE, _END = b"MEI\014\013\012\013\016", 1_000_000
#: Bytes at the end of an archive that are searched for the names in it.
_DIRECTORY = 4_000_000
#: Parts of the paths to which a pex unpacks its libraries.
_UNPACKED = ("installed_wheels", "unzipped_pexes")
#: The name of a Python's program.
PYTHON = re.compile(r"(python|pypy)[\d.]*t?")


@dataclass(frozen=True)
class Bundle:
    """A program that a launcher cannot reach.

    Attributes:
        path: as the user typed it.
        kind: ``a pex file``, ``an executable of PyInstaller``.
        way: its way to start Python.
        complete: true if it contains distrokit, so that ``distrokit.start()`` in its code can work.
    """

    path: str
    kind: str
    way: str
    complete: bool

    @property
    def evidence(self) -> str:
        """The reason why a launcher cannot reach it."""
        return f"{self.path} is {self.kind}, which {self.way}: a launcher cannot reach it"

    @property
    def remedy(self) -> str:
        """The instruction that works for it."""
        return f"Build it with distrokit[otlp] and call distrokit.start() first in the application; see {PAGE}."

    def problem(self) -> Problem | None:
        """Return the problem of starting it under a launcher; ``None`` if it contains distrokit."""
        if self.complete:
            return None
        return Problem(
            code="launcher-kept-out",
            subject=self.path,
            cause=self.evidence.removeprefix(f"{self.path} is "),
            outcome="it runs without telemetry",
            remedy=self.remedy,
        )


def bundle_of(words: Sequence[str]) -> Bundle | None:
    """Return the bundle that a command line runs; ``None`` for other programs.

    Args:
        words: a Python with its flags and a script, or a program.
    """
    path = _find_program(words)
    if path is None:
        return None
    try:
        return _read_pex(path) or _read_pyinstaller(path)
    except OSError:
        return None


def to_install(*requirements: str, otherwise: str = "") -> str:
    """Return the instruction to install packages: ``Run `pip install …`.``; another one in a bundle or from a folder.

    Args:
        requirements: the packages, as pip takes them.
        otherwise: an alternative to installing them; empty for none.
    """
    end = f", or {otherwise}." if otherwise else "."
    if in_bundle():
        return f"Add {', '.join(requirements)} to what this program is built from (see {PAGE}){end}"
    if attached := find_attached():
        # The application's own packages stay as they are.
        return f"Build {attached.root} again, with {', '.join(requirements)} added{end}"
    return f"Run `pip install {' '.join(map(shlex.quote, requirements))}`{end}"


def in_bundle() -> bool:
    """Tell whether this process is such a program."""
    if getattr(sys, "frozen", False):
        return True
    return "PEX" in os.environ and not set(_UNPACKED).isdisjoint(Path(__file__).parts)


def _find_program(words: Sequence[str]) -> Path | None:
    """Return the script that a Python runs, or the program itself."""
    if words and PYTHON.fullmatch(os.path.basename(words[0])):
        return _find_script(words[1:])
    from shutil import which

    found = which(words[0]) if words else None
    return Path(found) if found else None


def _find_script(words: Sequence[str]) -> Path | None:
    """Return the first word after Python's own flags; ``None`` if ``-c``, ``-m`` or stdin names the code."""
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif not word.startswith("-"):
            return Path(word)
        elif flag := re.match(r"-[a-zA-Z]*?([cmWX])", word):
            if flag[1] in "cm":
                return None
            is_value = flag[0] == word
        elif word == "-":
            return None
    return None


def _read_pex(path: Path) -> Bundle | None:
    folder = path if path.is_dir() else path.parent
    if (folder / _INFO).is_file():
        info = (folder / _INFO).read_bytes()
    elif path.is_file() and _INFO.encode() in _read_archive_end(path):
        info = _read_info(path)
    else:
        return None
    return Bundle(
        str(path), "a pex file", "starts Python anew, isolated and with its own libraries", _lists_distrokit(info)
    )


def _read_archive_end(path: Path) -> bytes:
    """Read the end of a zip archive, which lists its contents; empty for other files."""
    with path.open("rb") as file:
        begin = file.readline(4096)
        if begin.startswith(b"#!"):
            # An archive that can be run begins with a line for the shell.
            begin = file.read(2)
    return _read_end(path, _DIRECTORY) if begin.startswith(b"PK") else b""


def _read_info(path: Path) -> bytes:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return archive.read(_INFO)
    except (BadZipFile, KeyError):
        return b""


def _lists_distrokit(info: bytes) -> bool:
    """Tell whether a pex has distrokit among its libraries."""
    import json

    try:
        libraries = json.loads(info).get("distributions", {})
    except (ValueError, AttributeError):
        return False
    return any(str(name).startswith("distrokit-") for name in libraries)


def _read_pyinstaller(path: Path) -> Bundle | None:
    if not path.is_file() or _read_begin(path) == b"#!":
        return None
    end = _read_end(path, _END)
    if _COOKIE not in end:
        return None
    inside = b"distrokit-" in end or any(path.parent.glob("_internal/distrokit-*"))
    return Bundle(str(path), "an executable of PyInstaller", "has a Python of its own that ignores PYTHONPATH", inside)


def _read_begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _read_end(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read()

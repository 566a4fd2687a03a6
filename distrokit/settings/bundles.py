"""Programs that carry their own libraries: pex files, and executables made by PyInstaller.

They ignore PYTHONPATH, so that no launcher gets in, and nobody can install a package into one that is built.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distrokit.diagnostics import Problem

#: Where the documentation has the ways that work.
PAGE = "docs/frozen-programs.md"
#: The file that every pex has, in its archive or in its folder.
_INFO = "PEX-INFO"
#: In an executable of PyInstaller (its *CArchive* format); and in how many bytes at the end the contents are listed.
_COOKIE, _END = b"MEI\014\013\012\013\016", 1_000_000
#: How many bytes at the end of an archive are searched for the names in it.
_DIRECTORY = 4_000_000
#: Parts of the paths at which a pex unpacks its libraries.
_UNPACKED = ("installed_wheels", "unzipped_pexes")
_PYTHON = re.compile(r"(python|pypy)[\d.]*t?")


@dataclass(frozen=True)
class Bundle:
    """A program that no launcher reaches.

    Attributes:
        path: as it was typed.
        kind: ``a pex file``, ``an executable of PyInstaller``.
        way: how it starts Python.
        complete: whether distrokit is in it, so that ``distrokit.start()`` in its code can work.
    """

    path: str
    kind: str
    way: str
    complete: bool

    @property
    def evidence(self) -> str:
        """Why a launcher does not get in."""
        return f"{self.path} is {self.kind}, which {self.way}: a launcher cannot reach it"

    @property
    def remedy(self) -> str:
        """The way that works."""
        return f"Build it with distrokit[otlp] and call distrokit.start() first in the application; see {PAGE}."

    def problem(self) -> Problem | None:
        """For those who start it under a launcher; ``None`` when it has distrokit inside."""
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
    """The bundle that a command line runs; ``None`` for other programs.

    Args:
        words: a Python with its flags and a script, or a program by itself.
    """
    path = _program(words)
    if path is None:
        return None
    try:
        return _pex(path) or _frozen(path)
    except OSError:
        return None


def to_install(*requirements: str, otherwise: str = "") -> str:
    """The sentence that says how to get packages: ``Run `pip install …`.``; another one in a bundle.

    Args:
        otherwise: what can be done in place of it.
    """
    end = f", or {otherwise}." if otherwise else "."
    if in_bundle():
        return f"Add {', '.join(requirements)} to what this program is built from (see {PAGE}){end}"
    return f"Run `pip install {' '.join(map(shlex.quote, requirements))}`{end}"


def in_bundle(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process is such a program."""
    if getattr(sys, "frozen", False):
        return True
    given = os.environ if environ is None else environ
    return "PEX" in given and not set(_UNPACKED).isdisjoint(Path(__file__).parts)


def _program(words: Sequence[str]) -> Path | None:
    """The script that a Python is given, or the program itself."""
    if words and _PYTHON.fullmatch(os.path.basename(words[0])):
        return _script(words[1:])
    from shutil import which

    found = which(words[0]) if words else None
    return Path(found) if found else None


def _script(words: Sequence[str]) -> Path | None:
    """The first word behind Python's own flags; ``None`` when these say what is run."""
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


def _pex(path: Path) -> Bundle | None:
    folder = path if path.is_dir() else path.parent
    if (folder / _INFO).is_file():
        info = (folder / _INFO).read_bytes()
    elif path.is_file() and _INFO.encode() in _end_of_archive(path):
        info = _info_in(path)
    else:
        return None
    return Bundle(str(path), "a pex file", "starts Python anew, isolated and with its own libraries", _has(info))


def _end_of_archive(path: Path) -> bytes:
    """The end of a zip archive, where the names in it are; nothing for other files."""
    with path.open("rb") as file:
        begin = file.readline(4096)
        if begin.startswith(b"#!"):
            # Of an archive that can be run.
            begin = file.read(2)
    return _end(path, _DIRECTORY) if begin.startswith(b"PK") else b""


def _info_in(path: Path) -> bytes:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return archive.read(_INFO)
    except (BadZipFile, KeyError):
        return b""


def _has(info: bytes) -> bool:
    """Whether a pex has distrokit among its libraries."""
    import json

    try:
        libraries = json.loads(info).get("distributions", {})
    except (ValueError, AttributeError):
        return False
    return any(str(name).startswith("distrokit-") for name in libraries)


def _frozen(path: Path) -> Bundle | None:
    if not path.is_file() or _begin(path) == b"#!":
        return None
    end = _end(path, _END)
    if _COOKIE not in end:
        return None
    inside = b"distrokit-" in end or any(path.parent.glob("_internal/distrokit-*"))
    return Bundle(str(path), "an executable of PyInstaller", "has a Python of its own that ignores PYTHONPATH", inside)


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _end(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read()

"""Which Python a command line comes to, and whether a launcher can reach it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distrokit.declarations import Check

_PYTHON = re.compile(r"(python|pypy)[\d.]*t?")
#: The flags that keep the launcher, which is a ``sitecustomize`` on PYTHONPATH, out.
_OBSTACLES = {
    "S": "imports no site, and so no sitecustomize, which is how the launcher gets in",
    "I": "does not look at PYTHONPATH, which is how the launcher gets in",
    "E": "does not look at PYTHONPATH, which is how the launcher gets in",
}
#: Python programs that start another Python, which is the one that counts.
_RUNNERS = ("conda", "hatch", "mamba", "nox", "pdm", "pipenv", "pipx", "poetry", "tox")
#: Flags with a value; what follows ``-c`` and ``-m`` is the program's.
_WITH_VALUE = "WX"


@dataclass(frozen=True)
class Interpreter:
    """A Python.

    Attributes:
        path: of the executable.
        flags: the single letters it is started with.
        where: what says so: the command line, or the script that names it in its first line.
    """

    path: str
    flags: str
    where: str

    def obstacle(self) -> Check | None:
        """Why distrokit cannot run in it; ``None`` when it can."""
        for flag in self.flags:
            if flag in _OBSTACLES:
                evidence = f"{self.where} starts Python with -{flag}, which {_OBSTACLES[flag]}"
                remedy = f"Leave -{flag} out, or call distrokit.start() in the application."
                return Check("python-flags", "fail", evidence, remedy)
        # Not from the folder this is typed in, which may be distrokit's own.
        code = "import sys; del sys.path[0]; from importlib.metadata import version; print(version('distrokit'))"
        try:
            found = subprocess.run(  # noqa: S603  (the command's own interpreter)
                [self.path, "-c", code], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Check("interpreter", "fail", f"{self.path} does not run: {error}", "Correct the command.")
        if found.returncode == 0:
            return None
        missing = "PackageNotFoundError" in found.stderr
        why = (
            "has no distrokit" if missing else f"cannot say whether it has distrokit: {' '.join(found.stderr.split())}"
        )
        evidence = f"{self.path}, which runs it, {why}"
        return Check("interpreter", "fail", evidence, f"{self.path} -m pip install 'distrokit[otlp]'")


def interpreter_of(program: str, command: Sequence[str]) -> Interpreter | None:
    """The Python of a command whose program is at this path; ``None`` for what is neither Python nor a script of it.

    Nor, as far as is known, one that only starts another Python.
    """
    if _PYTHON.fullmatch(Path(program).name):
        return Interpreter(program, _flags(command[1:]), f"`{' '.join(command[:2])}`")
    words = [] if Path(program).name in _RUNNERS else _first_line(Path(program))
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
    path = shutil.which(words[0]) if words else None
    if path is None or not _PYTHON.fullmatch(Path(path).name):
        return None
    return Interpreter(path, _flags(words[1:]), f"{program} (first line)")


def _flags(words: Sequence[str]) -> str:
    letters = ""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif not word.startswith("-") or word == "-" or word.startswith("--"):
            break
        else:
            for at, letter in enumerate(word[1:], 1):
                if letter in "cm":
                    return letters
                if letter in _WITH_VALUE:
                    skip = at == len(word) - 1
                    break
                letters += letter
    return letters


def _first_line(path: Path) -> list[str]:
    """The words of a script's ``#!`` line; installers write ``/bin/sh`` there where a path is too long for it."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(4096), file.readline(4096)
    except OSError:
        return []
    by_shell = b"'''exec'"
    if first.startswith(b"#!/bin/sh") and second.startswith(by_shell):
        return shlex.split(second[len(by_shell) :].decode("utf-8", "replace"))[:1]
    return first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []

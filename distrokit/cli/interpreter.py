"""Which Python a command line comes to, and whether a launcher can reach it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from distrokit.cli.guard.sitecustomize import RUNNERS
from distrokit.declarations import Check
from distrokit.doctor.installer import install_line
from distrokit.settings.bundles import Bundle, bundle_of

LAUNCHER = "opentelemetry-instrument"
#: Ours, as its words.
RUN = ("distrokit", "run")
_PYTHON = re.compile(r"(python|pypy)[\d.]*t?")
#: The flags that keep the launcher, which is a ``sitecustomize`` on PYTHONPATH, out.
_OBSTACLES = {
    "S": "imports no site, and so no sitecustomize, which is how the launcher gets in",
    "I": "does not look at PYTHONPATH, which is how the launcher gets in",
    "E": "does not look at PYTHONPATH, which is how the launcher gets in",
}
#: Flags with a value; what follows ``-c`` and ``-m`` is the program's.
_WITH_VALUE = "WX"
#: Programs that become another one, whose words follow their own options and assignments.
_BECOMES = ("env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "taskset", "time", "timeout", LAUNCHER)
#: Those of them that take one word of their own first.
_BECOMES_AFTER = ("taskset", "timeout")
#: Options of theirs that have a value.
_OPTIONS = ("-n", "-c", "-k", "-o", "-s", "-u", "--unset", "-C", "--chdir")


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

    def kept_out(self) -> Check | None:
        """By which flag it keeps the launcher out; ``None`` when by none."""
        for flag in self.flags:
            if flag in _OBSTACLES:
                evidence = f"{self.where} starts Python with -{flag}, which {_OBSTACLES[flag]}"
                remedy = f"Leave -{flag} out, or call distrokit.start() in the application."
                return Check("python-flags", "fail", evidence, remedy)
        return None

    def obstacle(self) -> Check | None:
        """Why distrokit cannot run in it; ``None`` when it can."""
        if flag := self.kept_out():
            return flag
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
        said = " ".join(found.stderr.split())
        why = "has no distrokit" if "PackageNotFoundError" in said else f"cannot say whether it has distrokit: {said}"
        remedy = install_line("distrokit[otlp]", python=self.path)
        return Check("interpreter", "fail", f"{self.path}, which runs it, {why}", remedy)


def interpreter_of(command: Sequence[str]) -> Interpreter | None:
    """The Python of a command; ``None`` for what is neither Python nor a script of it.

    Nor, as far as is known, one that only starts another Python.
    """
    words = _inner(command)
    program = shutil.which(words[0]) if words else None
    if program is None:
        return None
    if _PYTHON.fullmatch(Path(program).name):
        return Interpreter(program, _flags(words[1:]), f"`{words[0]} …`")
    first = [] if Path(program).name in RUNNERS else _first_line(Path(program))
    first = _inner(first)
    path = shutil.which(first[0]) if first else None
    if path is None:
        missing = first[0] if first and _PYTHON.fullmatch(Path(first[0]).name) else ""
        return Interpreter(missing, "", f"{program} (first line)") if missing else None
    if not _PYTHON.fullmatch(Path(path).name):
        return None
    return Interpreter(path, _flags(first[1:]), f"{program} (first line)")


def by_run(command: Sequence[str]) -> bool:
    """Whether a command comes to its program by ``distrokit run``."""
    before = [Path(word).name for word in command[: len(command) - len(_inner(command))]]
    return RUN in pairwise(before)


def bundle(command: Sequence[str]) -> Bundle | None:
    """What the command runs, where that is a program that keeps every launcher out, and no flag says so."""
    return bundle_of(_inner(command))


def about_bundle(found: Bundle) -> Check:
    """The finding about one; a warning where distrokit is in it, and only its own process can say whether it starts."""
    if not found.complete:
        return Check("bundle", "fail", found.evidence, found.remedy)
    evidence = f"{found.evidence}; distrokit is in it, and starts where the application calls distrokit.start()"
    return Check("bundle", "warn", evidence, "Start it with DISTROKIT_DOCTOR=1: it reports from inside, to stderr.")


def dropped_by(command: Sequence[str]) -> Check | None:
    """What in the words before the program takes PYTHONPATH away; ``None`` when nothing does."""
    words = list(command)[: len(command) - len(_inner(command))]
    for word, after in pairwise([*words, ""]):
        alone = word in ("-i", "-", "--ignore-environment", "--unset=PYTHONPATH")
        if alone or word.startswith("PYTHONPATH=") or (word in ("-u", "--unset") and after == "PYTHONPATH"):
            shown = f"{word} {after}" if word in ("-u", "--unset") else word
            evidence = f"`{command[0]} … {shown}` takes PYTHONPATH away, which is how the launcher gets in"
            return Check(
                "command", "fail", evidence, f"Leave {shown} out, or call distrokit.start() in the application."
            )
    return None


def _inner(command: Sequence[str]) -> list[str]:
    """The words without those that only prepare: ``env NAME=value``, ``nice -n 5``, a launcher with its options."""
    words = list(command)
    while words and (Path(words[0]).name in _BECOMES or (Path(words[0]).name, *words[1:2]) == RUN):
        name = Path(words.pop(0)).name
        if name == RUN[0]:
            words.pop(0)
        while words and (words[0].startswith("-") or "=" in words[0]):
            word = words.pop(0)
            if words and "=" not in word and (name == LAUNCHER or word in _OPTIONS):
                words.pop(0)
        if name in _BECOMES_AFTER and words:
            # How long, which processors.
            words.pop(0)
    return words


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

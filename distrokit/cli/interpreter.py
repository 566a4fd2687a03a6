"""Finds the Python that a command line starts, and what keeps a launcher from reaching it."""

from __future__ import annotations

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
from distrokit.settings.frozen_programs import PYTHON, Bundle, bundle_of

LAUNCHER = "opentelemetry-instrument"
#: distrokit's own launcher, as typed.
RUN = ("distrokit", "run")
#: Flags that disable the launcher, which is a ``sitecustomize`` on PYTHONPATH.
_OBSTACLES = {
    "S": "does not import sitecustomize, and the launcher starts from it",
    "I": "ignores PYTHONPATH, and the launcher needs it",
    "E": "ignores PYTHONPATH, and the launcher needs it",
}
#: Flags with a value; the words after ``-c`` and ``-m`` belong to the program.
_WITH_VALUE = "WX"
#: Programs that become another program, which follows their own options and assignments.
_BECOMES = ("env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "taskset", "time", "timeout", LAUNCHER)
#: Those of them that take one argument before the program.
_BECOMES_AFTER = ("taskset", "timeout")
#: Their options that have a value.
_OPTIONS = ("-n", "-c", "-k", "-o", "-s", "-u", "--unset", "-C", "--chdir")


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter.

    Attributes:
        path: of the executable.
        flags: the single-letter options it is started with.
        where: the place that names it: the command line, or the script with it in its first line.
    """

    path: str
    flags: str
    where: str

    def check_flags(self) -> Check | None:
        """Return the finding about a flag that disables the launcher; ``None`` if there is no such flag."""
        for flag in self.flags:
            if flag in _OBSTACLES:
                evidence = f"{self.where} starts Python with -{flag}, which {_OBSTACLES[flag]}"
                remedy = f"Leave -{flag} out, or call distrokit.start() in the application."
                return Check("python-flags", "fail", evidence, remedy)
        return None

    def obstacle(self) -> Check | None:
        """Return why distrokit cannot run in it; ``None`` if it can."""
        if flag := self.check_flags():
            return flag
        # Without the working directory, which may contain distrokit's source.
        code = "import sys; del sys.path[0]; from importlib.metadata import version; print(version('distrokit'))"
        try:
            found = subprocess.run(  # noqa: S603  (the command's own interpreter)
                [self.path, "-c", code], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Check("interpreter", "fail", f"{self.path} does not run: {error}", "Correct the command.")
        if found.returncode == 0:
            return None
        output = " ".join(found.stderr.split())
        why = "has no distrokit" if "PackageNotFoundError" in output else f"fails when it looks for distrokit: {output}"
        remedy = install_line("distrokit[otlp]", python=self.path)
        return Check("interpreter", "fail", f"{self.path}, which runs it, {why}", remedy)


def interpreter_of(command: Sequence[str]) -> Interpreter | None:
    """Return the Python that a command starts.

    ``None`` if the command is neither Python nor a Python script, or a program that is known to start another Python.
    """
    words = _inner(command)
    program = shutil.which(words[0]) if words else None
    if program is None:
        return None
    if PYTHON.fullmatch(Path(program).name):
        return Interpreter(program, _flags(words[1:]), f"`{words[0]} …`")
    first = [] if Path(program).name in RUNNERS else _first_line(Path(program))
    first = _inner(first)
    path = shutil.which(first[0]) if first else None
    if path is None:
        missing = first[0] if first and PYTHON.fullmatch(Path(first[0]).name) else ""
        return Interpreter(missing, "", f"{program} (first line)") if missing else None
    if not PYTHON.fullmatch(Path(path).name):
        return None
    return Interpreter(path, _flags(first[1:]), f"{program} (first line)")


def uses_run(command: Sequence[str]) -> bool:
    """True if a command starts its program by ``distrokit run``."""
    before = [Path(word).name for word in command[: len(command) - len(_inner(command))]]
    return RUN in pairwise(before)


def find_bundle(command: Sequence[str]) -> Bundle | None:
    """Return the bundle (pex, PyInstaller) that the command runs, which no launcher reaches; else ``None``."""
    return bundle_of(_inner(command))


def check_bundle(found: Bundle) -> Check:
    """Return the finding about a bundle; a warning if it contains distrokit, which its code may start."""
    if not found.complete:
        return Check("bundle", "fail", found.evidence, found.remedy)
    evidence = (
        f"{found.evidence}; it contains distrokit, which starts only when the application calls distrokit.start()"
    )
    return Check("bundle", "warn", evidence, "Start it with DISTROKIT_DOCTOR=1: it prints the report to stderr.")


def check_pythonpath(command: Sequence[str]) -> Check | None:
    """Return the finding about a word that removes PYTHONPATH; ``None`` if there is none."""
    words = list(command)[: len(command) - len(_inner(command))]
    for word, after in pairwise([*words, ""]):
        alone = word in ("-i", "-", "--ignore-environment", "--unset=PYTHONPATH")
        if alone or word.startswith("PYTHONPATH=") or (word in ("-u", "--unset") and after == "PYTHONPATH"):
            shown = f"{word} {after}" if word in ("-u", "--unset") else word
            evidence = f"`{command[0]} … {shown}` removes PYTHONPATH, and the launcher needs it"
            return Check(
                "command", "fail", evidence, f"Leave {shown} out, or call distrokit.start() in the application."
            )
    return None


def _inner(command: Sequence[str]) -> list[str]:
    """Return the program and its words, without ``env NAME=value``, ``nice -n 5``, a launcher with its options."""
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
            # timeout's duration, taskset's mask.
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
    """Return the words of a script's ``#!`` line; installers write ``/bin/sh`` there if the path is too long for it."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(4096), file.readline(4096)
    except OSError:
        return []
    by_shell = b"'''exec'"
    if first.startswith(b"#!/bin/sh") and second.startswith(by_shell):
        return shlex.split(second[len(by_shell) :].decode("utf-8", "replace"))[:1]
    return first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []

"""Finds the program that this Python is about to run, before Python has set ``sys.argv``."""

from __future__ import annotations

import os
import sys

#: Programs that become another program, in which distrokit starts; as in distrokit.launch.site.sitecustomize.
_BECOMES = ("distrokit", "opentelemetry-instrument")


def find_program() -> str:
    """Return the path of the script; empty with ``-c``, ``-m``, ``-`` and without arguments."""
    words = iter(sys.orig_argv[1:])
    for word in words:
        if word == "-" or (word.startswith("-") and word[1:2] not in ("W", "X", "-") and ("c" in word or "m" in word)):
            return ""
        if not word.startswith("-"):
            return word
        if word in ("-W", "-X", "--check-hash-based-pycs"):
            next(words, None)
    return ""


def becomes_another() -> bool:
    """Tell whether the program is a launcher, which starts the application in its own place."""
    words = [word for word in sys.orig_argv[1:] if not word.startswith("-")]
    return bool(words) and os.path.basename(words[0]) in _BECOMES


def is_archive(program: str) -> bool:
    """Tell whether a program is a zip archive, with or without a first line (a pex file), or a folder."""
    if not program or program.endswith(".py"):
        return False
    try:
        # A regular file only: what is read from a pipe is gone for the program.
        if not os.path.isfile(program):  # noqa: PTH113  (pathlib is not imported yet)
            return os.path.isdir(program)  # noqa: PTH112  (likewise)
        with open(program, "rb") as file:  # noqa: PTH123  (likewise)
            head = file.read(4096)
    except (OSError, ValueError):
        return False
    return head.startswith(b"PK") or head.partition(b"\n")[2].startswith(b"PK")


def application_path() -> list[str]:
    """Return the path of the application's modules: ``sys.path``, with the entry that Python adds after its start."""
    if getattr(sys.flags, "safe_path", False):
        return sys.path
    program = find_program()
    # An archive or a folder is an entry itself.
    if program and not is_archive(program):
        program = os.path.dirname(os.path.realpath(program))  # noqa: PTH120  (pathlib is not imported yet)
    return [program, *sys.path]

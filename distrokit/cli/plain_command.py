"""``distrokit run`` of an ordinary Python program, with as little work as possible: it is part of every start.

It imports nothing that an interpreter has not imported at its start. All other commands, and all mistakes, are left to
:mod:`distrokit.cli.run`, which explains them.
"""

from __future__ import annotations

import os

from distrokit.launch.site import FOLDER
from distrokit.launch.site.sitecustomize import LAUNCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Options of Python that a launcher works with and that have no value.
_HARMLESS = frozenset("bBdiOqRsuvx")
#: Bytes of a script that are read.
_HEAD = 512


def run_plain(words: Sequence[str]) -> None:
    """Become COMMAND if it is a Python program that a launcher reaches; return if it is not, or cannot be run.

    Args:
        words: what follows ``distrokit run``.
    """
    if not words or words[0].startswith("-") or os.name != "posix":
        return
    path = _find(words[0])
    if path and (_is_plain_python(path, words) or _is_python_script(path)):
        try:
            os.execve(path, list(words), launched_environ())  # noqa: S606  (it is what the user typed)
        except (OSError, ValueError):
            # The long way explains it.
            return


def launched_environ(folder: str = FOLDER, *, add_cwd: str = "") -> dict[str, str]:
    """Return this process's environment with a folder first on PYTHONPATH, followed by the user's entries.

    Args:
        folder: the one that starts distrokit.
        add_cwd: the working directory, to be put before the user's entries; empty to leave it out.
    """
    before = os.environ.get("PYTHONPATH", "")
    # An empty entry means the working directory; an empty variable has no entry.
    entries = [entry for entry in before.split(os.pathsep) if entry != folder] if before else []
    if add_cwd and add_cwd not in entries:
        entries.insert(0, add_cwd)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *entries]), LAUNCHED: str(os.getpid())}


def _find(program: str) -> str:
    """Return the path of an executable file, as a shell finds it; empty if there is none."""
    if os.sep in program:
        folders = [""]
    else:
        # Without the variable there is a default, and an empty entry means the working directory.
        listed = os.environ.get("PATH")
        folders = [folder or os.curdir for folder in listed.split(os.pathsep)] if listed else []
    for folder in folders:
        path = f"{folder}/{program}" if folder else program
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113  (pathlib is not imported yet)
            return path
    return ""


def _is_python(path: str) -> bool:
    name = path.rpartition("/")[2]
    version = name.removeprefix("python").replace(".", "").rstrip("t")
    return name.startswith("python") and (not version or version.isdigit())


def _is_plain_python(path: str, words: Sequence[str]) -> bool:
    """Tell whether a command line is a Python with a script, a module or a program in its arguments."""
    if not _is_python(path):
        return False
    for word in words[1:]:
        if not word.startswith("-"):
            # Anything else may be an archive that carries its own libraries.
            return word.endswith(".py")
        if word[1:2] in ("c", "m"):
            return True
        if not word[1:] or not _HARMLESS.issuperset(word[1:]):
            return False
    return False


def _is_python_script(path: str) -> bool:
    """Tell whether an executable is a script whose first line names a Python, without options."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib is not imported yet)
            first, _, rest = file.read(_HEAD).partition(b"\n")
    except OSError:
        return False
    # A zip archive may follow: such a program carries its own libraries.
    if not first.startswith(b"#!") or rest.startswith(b"PK"):
        return False
    interpreter = os.fsdecode(first[2:].strip())
    return " " not in interpreter and _is_python(interpreter) and os.access(interpreter, os.X_OK)

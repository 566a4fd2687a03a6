"""Writes byte code, for each Python that is at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from distrokit_build.errors import BuildError
from distrokit_build.selection import PYTHONS

#: Seconds for one Python.
_PATIENCE = 600

# Byte code that Python never compares with the source's date or hash: dates change when a folder is copied or unpacked.
# Sorted, and without randomized hashes, so that the same input gives the same bytes.
_COMPILE = """
import importlib.util, os, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
root = sys.argv[1]
for folder, folders, names in sorted(os.walk(root)):
    for name in sorted(names):
        if name.endswith(".py"):
            path = os.path.join(folder, name)
            try:
                cached = importlib.util.cache_from_source(path)
                py_compile.compile(path, cached, os.path.relpath(path, root), doraise=True, invalidation_mode=mode)
            except py_compile.PyCompileError:
                pass  # Source of a later Python.
"""
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"


def find_pythons(given: Sequence[str]) -> dict[str, str]:
    """Return the Pythons that byte code is written for: version and path.

    Args:
        given: paths or names; if there are none, this Python and those on PATH.

    Raises: :class:`BuildError`: one of the given ones cannot be used.
    """
    found = {} if given else {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    names = given or [path for version in PYTHONS if (path := shutil.which(f"python{version}"))]
    for name in names:
        try:
            said = _run([name, "-I", "-S", "-c", _VERSION]).split()
        except (OSError, BuildError) as error:
            if given:
                raise BuildError(f"--python {name}: it cannot be run: {error}", "Correct the option.") from error
            continue
        if len(said) == 2 and said[1] == "cpython" and tuple(map(int, said[0].split("."))) >= (3, 10):
            found.setdefault(said[0], name)
        elif given:
            raise BuildError(f"--python {name}: it is no CPython from 3.10 on", "Correct the option.")
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))


def compile_folder(root: Path, pythons: Iterable[str]) -> None:
    """Write the byte code of all files of a folder. Raises: :class:`BuildError`."""
    for python in pythons:
        _run([python, "-S", "-s", "-c", _COMPILE, str(root)])


def run_json(command: Sequence[str]) -> object:
    """Run a Python that prints JSON; return what it has printed. Raises: :class:`BuildError`."""
    result: object = json.loads(_run(command))
    return result


def _run(command: Sequence[str]) -> str:
    unwanted = ("PYTHON", "OTEL_", "DISTROKIT_")
    environ = {name: text for name, text in os.environ.items() if not name.startswith(unwanted)}
    done = subprocess.run(  # noqa: S603  # a Python that the user named
        command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env={**environ, "PYTHONHASHSEED": "0"}
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise BuildError(f"{command[0]} ended with exit code {done.returncode}: {last}", "Try another --python.")
    return done.stdout

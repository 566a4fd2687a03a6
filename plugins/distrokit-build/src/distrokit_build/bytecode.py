"""Writes byte code, for each Python that is at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from distrokit_build.contents import PACKAGES
from distrokit_build.errors import BuildError
from distrokit_build.rewriting import PRIVATE
from distrokit_build.selection import PYTHONS

#: Seconds for one Python.
_PATIENCE = 600

# Byte code that Python never compares with the source's date or hash: dates change when a folder is copied or unpacked.
# Sorted, and without randomized hashes, so that the same input gives the same bytes. Private packages and
# instrumentations have no docstrings there, which makes it a tenth smaller.
_COMPILE = """
import ast, importlib.util, marshal, os, sys
root, stripped = sys.argv[1], sys.argv[2:]

def strip(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                node.body[0:1] = [] if node.body[1:] else [ast.copy_location(ast.Pass(), first)]

for folder, folders, names in sorted(os.walk(root)):
    for name in sorted(names):
        if name.endswith(".py"):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = file.read()
            place = os.path.relpath(path, root)
            try:
                tree = ast.parse(data)
            except SyntaxError:
                continue  # Source of a later Python.
            if place.replace(os.sep, "/").startswith(tuple(stripped)):
                strip(tree)
            code = compile(tree, place, "exec", dont_inherit=True)
            cached = importlib.util.cache_from_source(path)
            os.makedirs(os.path.dirname(cached), exist_ok=True)
            with open(cached, "wb") as file:
                file.write(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little"))
                file.write(importlib.util.source_hash(data) + marshal.dumps(code))
"""
#: Where byte code has no docstrings.
_WITHOUT_DOCSTRINGS = (f"{PACKAGES}/{PRIVATE}/", f"{PACKAGES}/opentelemetry/instrumentation/")
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
                raise BuildError(
                    f"--python {name}: it cannot be run: {error}", "Name a program: python3.12."
                ) from error
            continue
        if len(said) == 2 and said[1] == "cpython" and tuple(map(int, said[0].split("."))) >= (3, 10):
            found.setdefault(said[0], name)
        elif given:
            raise BuildError(f"--python {name}: it is no CPython from 3.10 on", "Correct the option.")
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))


def compile_folder(root: Path, pythons: Iterable[str]) -> None:
    """Write the byte code of all files of a folder. Raises: :class:`BuildError`."""
    for python in pythons:
        _run([python, "-S", "-s", "-c", _COMPILE, str(root), *_WITHOUT_DOCSTRINGS])


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

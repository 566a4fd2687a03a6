"""The command ``distrokit new``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distrokit_dev.new.folder import check_folder, write_folder
from distrokit_dev.new.names import Names, names
from distrokit_dev.new.refusal import Refused
from distrokit_dev.new.taken import refuse_taken
from distrokit_dev.tail.typeface import harmless

#: Version of the shape of ``--json``.
SCHEMA = 1


def new(arguments: argparse.Namespace) -> int:
    """Create a package.

    Args:
        arguments: see :mod:`distrokit_dev.new.arguments`.

    Returns: 0 if it was created; 1 if it was refused, and nothing was written.
    """
    try:
        made = names(arguments.kind, arguments.name)
        refuse_taken(made)
        folder = Path(os.path.abspath(arguments.directory or made.distribution))  # noqa: PTH100  (a NUL is no OSError)
        check_folder(folder)
        from distrokit_dev.new.rendering import render

        files = render(made)
        write_folder(folder, files)
    except Refused as refused:
        if arguments.json:
            _print_json({"ok": False, "problem": str(refused)})
        else:
            print(f"distrokit new: {harmless(str(refused))}", file=sys.stderr)
        return 1
    commands = next_commands(folder)
    if arguments.json:
        details = {"distribution": made.distribution, "module": made.module, "directory": str(folder)}
        _print_json(
            {"ok": True, "kind": made.kind, "name": made.own, **details, "files": list(files), "next": commands}
        )
    else:
        for line in _describe(made, folder, files, commands):
            print(line)
    return 0


def next_commands(folder: Path) -> list[str]:
    """Return the next commands, for the shell of this system."""
    path = _relative(folder)
    change = shlex.join(["cd", path]) if os.name == "posix" else subprocess.list2cmdline(["cd", path])
    return [*([change] if path != "." else []), 'python -m pip install -e ".[test]"', "python -m pytest"]


def _relative(folder: Path) -> str:
    here = Path.cwd()
    if not folder.is_relative_to(here):
        return str(folder)
    path = str(folder.relative_to(here))
    # cd would take a leading dash for an option.
    return os.path.join(".", path) if path.startswith("-") else path  # noqa: PTH118  (pathlib drops the dot)


def _describe(made: Names, folder: Path, files: Iterable[str], commands: Iterable[str]) -> Iterable[str]:
    yield f"Made the {made.kind} {made.own} in {harmless(_relative(folder))}"
    yield ""
    yield f"  {made.kind:<12}  {made.own}"
    yield f"  distribution  {made.distribution}"
    yield f"  module        {made.module}"
    yield ""
    yield from (f"  {path}" for path in files)
    yield ""
    yield "It has no licence: choose one before you publish it."
    yield "Next:"
    yield ""
    yield from (f"  {harmless(command)}" for command in commands)


def _print_json(data: dict[str, Any]) -> None:
    print(json.dumps({"schema": SCHEMA, **data}, indent=2, ensure_ascii=False))

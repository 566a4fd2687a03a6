"""``distrokit build``: makes the folder, and describes one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from distrokit_build import contents, manifest
from distrokit_build.archives import check_archive, check_prefix, pack
from distrokit_build.bytecode import compile_folder, find_pythons, run_json
from distrokit_build.errors import BuildError
from distrokit_build.folder import check_target, put_in_place, work_folder
from distrokit_build.pruning import prune
from distrokit_build.report import describe_folder, lines
from distrokit_build.selection import Selection, select
from distrokit_build.source import find_packages, names_of
from distrokit_build.verification import refuse_native, verify
from distrokit_build.writing import write_native, write_packages

#: Prints the name of the interpreter that native code is for; see `distrokit.attached.decision`.
_THIS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from _distrokit_attach.decision import this_interpreter
print(json.dumps(this_interpreter()))
"""


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    try:
        if arguments.check:
            return _check(Path(arguments.check), as_json=arguments.json)
        return _build(arguments)
    except BuildError as error:
        print(f"distrokit build: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"distrokit build: nothing was built: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace) -> int:
    target = Path(arguments.target or arguments.archive).resolve()
    archive = Path(arguments.archive).resolve() if arguments.archive else None
    if archive:
        check_archive(archive, target if arguments.target else None)
    prefix = check_prefix(arguments.prefix or "otel")
    if arguments.target:
        check_target(target)
    pythons = find_pythons(arguments.python)
    with work_folder(target, "--target" if arguments.target else "--archive") as work:
        built = work / "built"
        packages = find_packages(arguments.requirements, arguments.file, work)
        selection = prune(select(packages, arguments.exclude, names_of(arguments.requirements)))
        _write(selection, built, [*pythons.values()], allow_native=arguments.allow_native)
        if archive:
            pack(built, archive, prefix)
        if not arguments.target:
            found = describe_folder(built)
            found["folder"] = str(archive)
        else:
            put_in_place(built, target, work)
            found = describe_folder(target)
    _show(found, as_json=arguments.json)
    if arguments.target and not arguments.json:
        print(f"PYTHONPATH={found['folder']} python app.py")
    return 0


def _write(selection: Selection, built: Path, pythons: list[str], *, allow_native: bool) -> None:
    write_packages(selection, built)
    contents.write(contents.describe(selection), built)
    broken = {name: package for python in pythons for name, package in verify(selection, built, python).items()}
    if broken and not allow_native:
        refuse_native(selection, broken.values())
    if broken:
        pythons = [sys.executable]
        write_native(selection, broken, built)
        interpreter = run_json([sys.executable, "-I", "-S", "-c", _THIS, str(built)])
        contents.write(contents.describe(selection, [str(interpreter)]), built)
        verify(selection, built, sys.executable)
    compile_folder(built, pythons)
    manifest.write(built)


def _check(folder: Path, *, as_json: bool) -> int:
    found = describe_folder(folder)
    _show(found, as_json=as_json)
    return 1 if found["problems"] else 0


def _show(found: dict[str, object], *, as_json: bool) -> None:
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))

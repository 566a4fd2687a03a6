"""Imports every module of a folder in a bare Python, and finds what cannot be imported under its private name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrokit_build.bytecode import run_json
from distrokit_build.contents import PACKAGES
from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed
from distrokit_build.rewriting import PRIVATE
from distrokit_build.selection import Selection, needs_of

# Runs with no packages but the folder's. A finder before all others notes who asks for a private module by its own
# name.
_IMPORT_ALL = """
import importlib, io, json, os, sys, traceback, warnings
root, packages, names, modules = sys.argv[1], sys.argv[2], set(json.loads(sys.argv[3])), json.loads(sys.argv[4])
warnings.simplefilter("ignore")
asked, failed, current = {}, {}, [""]

class Note:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            asked.setdefault(name, current[0])

sys.path.insert(0, root)
from _distrokit_attach.contents import CONTENTS
from _distrokit_attach.decision import FOLDERS, Decision
from _distrokit_attach.finder import AttachedFinder
sys.path.remove(root)
decision = Decision(FOLDERS, "", {}, CONTENTS["packages"])
sys.meta_path[:0] = [Note(), AttachedFinder(root, packages, CONTENTS, decision, lambda finder: decision)]
out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
for name in modules:
    current[0] = name
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = [type(error).__name__, str(error), getattr(error, "name", None) or ""]
out.write(json.dumps({"asked": asked, "failed": failed}))
out.flush()
os._exit(0)
"""


@dataclass(frozen=True)
class _Module:
    name: str
    owner: Installed


def verify(selection: Selection, root: Path, python: str, *, native: bool) -> None:
    """Import all modules with one Python.

    Args:
        native: the folder has the files with native code.

    Raises: :class:`BuildError`: a package works only with its native code, or imports a private one by its own name.
    """
    modules = [*_modules(selection)]
    names = sorted({name for package in selection.private.values() for name in package.modules})
    arguments = (str(root), str(root / PACKAGES), json.dumps(names), json.dumps([module.name for module in modules]))
    result: Any = run_json([python, "-I", "-S", "-c", _IMPORT_ALL, *arguments])
    failed: Mapping[str, list[str]] = result["failed"]
    owners = {module.name: module.owner for module in modules}
    if not native:
        _check_native(selection, failed, owners)
    for asked, by in result["asked"].items():
        # A library that an instrumentation is for is the application's, also if another package here has a copy.
        if by in owners and _is_needed(asked, owners[by], selection):
            owner = owners[by]
            raise BuildError(
                f"{by} of {owner.title} {owner.version} imports {asked} in a way that cannot be rewritten",
                f"Leave it out: --exclude {owner.name}.",
            )


def _check_native(selection: Selection, failed: Mapping[str, list[str]], owners: Mapping[str, Installed]) -> None:
    failing = {owners[name].name: owners[name] for name in failed}
    broken = {name: package for name, package in failing.items() if package.native and name in selection.private}
    # A package that is nothing but native code has no module that could fail.
    broken |= {name: package for name, package in selection.private.items() if package.native and not package.files}
    broken |= {name: package for name, package in selection.public.items() if package.native}
    if broken:
        lines = []
        for package in broken.values():
            needed_by = [n for n, p in selection.public.items() if package.name in needs_of(p)] or [package.name]
            file = min(package.native)
            lines.append(
                f"{package.title} {package.version} has native code ({file}) and does not work without it;"
                f" needed by {', '.join(needed_by)}: --exclude {' --exclude '.join(needed_by)}"
            )
        raise BuildError(
            "\n".join(lines),
            "Leave it out as shown, or keep it with --allow-native: then the folder serves one version of Python, one C"
            " library and one processor.",
        )


def _is_needed(module: str, owner: Installed, selection: Selection) -> bool:
    top = module.partition(".")[0]
    return any(top in selection.private[need].modules for need in selection.imports[owner.name])


def _modules(selection: Selection) -> Iterator[_Module]:
    for name, package in (*selection.public.items(), *selection.private.items()):
        prefix = f"{PRIVATE}." if name in selection.private else ""
        for path in package.files:
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            is_module = path.endswith(".py") and all(part.isidentifier() for part in module.split("."))
            if is_module and not module.endswith(("__main__", ".sitecustomize")):
                yield _Module(prefix + module, package)

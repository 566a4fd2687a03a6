"""Imports every module of a folder in a bare Python, and finds what cannot be imported under its private name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrokit_build.bytecode import run_json
from distrokit_build.contents import PACKAGES
from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed, module_of
from distrokit_build.rewriting import PRIVATE, is_below
from distrokit_build.selection import Selection

# Runs with no packages but the folder's. A finder before all others notes who asks for a private module by its own
# name.
_IMPORT_ALL = """
import importlib, io, json, os, sys, warnings
root, packages, names, modules = sys.argv[1], sys.argv[2], set(json.loads(sys.argv[3])), json.loads(sys.argv[4])
warnings.simplefilter("ignore")
asked, failed, current = {}, {}, [""]

class Note:
    def find_spec(self, name, path=None, target=None):
        if name in names or any(name.startswith(own + ".") for own in names):
            frame = sys._getframe(1)
            while frame and "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            asked.setdefault(name, frame.f_globals.get("__name__") if frame else current[0])

sys.path.insert(0, root)
from _distrokit_attach.contents import CONTENTS
from _distrokit_attach.decision import FOLDER_FIRST, Decision
from _distrokit_attach.finder import AttachedFinder
sys.path.remove(root)
decision = Decision(FOLDER_FIRST, "", visible=CONTENTS["packages"])
sys.meta_path[:0] = [Note(), AttachedFinder(root, packages, CONTENTS, lambda finder: decision)]
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


def verify(selection: Selection, root: Path, python: str) -> dict[str, Installed]:
    """Import all modules with one Python.

    Returns: the packages that do not work, since they need their native code.

    Raises: :class:`BuildError`: a package imports a private one by its own name.
    """
    modules = [*_modules(selection)]
    names = sorted({name for package in selection.private.values() for name in package.modules})
    arguments = (str(root), str(root / PACKAGES), json.dumps(names), json.dumps([module.name for module in modules]))
    result: Any = run_json([python, "-I", "-S", "-c", _IMPORT_ALL, *arguments])
    failed: Mapping[str, list[str]] = result["failed"]
    owners = {module.name: module.owner for module in modules}
    for asked, by in result["asked"].items():
        # A library that an instrumentation is for is the application's, also if another package here has a copy.
        if by in owners and _is_needed(asked, owners[by], selection):
            owner = owners[by]
            raise BuildError(
                f"{by} of {owner.title} {owner.version} imports {asked} in a way that cannot be rewritten",
                f"Leave it out: --exclude {owner.name}.",
            )
    return _find_broken(selection, failed, owners)


def refuse_native(selection: Selection, packages: Collection[Installed]) -> None:
    """Raise :class:`BuildError` that names packages which do not work without their native code."""
    raise BuildError(
        "\n".join(_describe_native(package, selection) for package in packages),
        "Leave it out as shown, or keep it with --allow-native: then the folder serves one version of Python, one C"
        " library and one processor.",
    )


def _describe_native(package: Installed, selection: Selection) -> str:
    needed_by = [name for name in selection.public if package.name in selection.needs[name]]
    exclude = "".join(f" --exclude {name}" for name in needed_by)
    return (
        f"{package.title} {package.version} has native code ({min(package.native)}) and does not work without it;"
        f" needed by {', '.join(needed_by)}:{exclude}"
    )


def _find_broken(
    selection: Selection, failed: Mapping[str, list[str]], owners: Mapping[str, Installed]
) -> dict[str, Installed]:
    broken = {name: package for name, package in selection.public.items() if package.native}
    for name, package in selection.private.items():
        tops = {f"{PRIVATE}.{module}" for module in package.modules if not module.startswith("_")}
        # Some import such code if it is there, and work without.
        others = [error[2] for module, error in failed.items() if owners[module].name != name]
        if package.native and (
            not package.files or tops & failed.keys() or any(is_below(other, tops) for other in others)
        ):
            broken[name] = package
    return broken


def _is_needed(module: str, owner: Installed, selection: Selection) -> bool:
    names = {name for need in selection.imports[owner.name] for name in selection.private[need].modules}
    return is_below(module, names)


def _modules(selection: Selection) -> Iterator[_Module]:
    for name, package in (*selection.public.items(), *selection.private.items()):
        prefix = f"{PRIVATE}." if name in selection.private else ""
        for path in package.files:
            module = module_of(path)
            is_module = path.endswith(".py") and all(part.isidentifier() for part in module.split("."))
            if is_module and not module.endswith(("__main__", ".sitecustomize")):
                yield _Module(prefix + module, package)

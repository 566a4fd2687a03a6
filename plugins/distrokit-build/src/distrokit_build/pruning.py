"""Leaves out the modules of private packages that no other module of the folder imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from distrokit_build.installed import module_of
from distrokit_build.selection import Selection


def prune(selection: Selection) -> Selection:
    """Return a selection whose private packages lack the modules that no other module imports."""
    unused = _find_unused(selection)
    private = {
        name: replace(package, files={p: f for p, f in package.files.items() if p not in unused[name]})
        for name, package in selection.private.items()
    }
    return replace(selection, private=private)


def _find_unused(selection: Selection) -> dict[str, frozenset[str]]:
    """Return the files of private packages that are never imported, by the package's name.

    A module counts as imported if any statement names it, wherever it stands. A package that imports modules by names
    that it makes at run time is kept whole.
    """
    imports = {
        package.name: {p: _imports_of(p, f) for p, f in package.files.items() if p.endswith(".py")}
        for package in (*selection.public.values(), *selection.private.values())
    }
    paths = {module_of(path): path for name in selection.private for path in imports[name]}
    waiting = [module for name in selection.public for found in imports[name].values() for module in found or ()]
    for name in selection.private:
        if any(found is None for found in imports[name].values()):
            waiting += [module_of(path) for path in imports[name]]
    by_path = {path: found for name in selection.private for path, found in imports[name].items()}
    used: set[str] = set()
    while waiting:
        module = waiting.pop()
        for parent in _with_parents(module):
            path = paths.get(parent, "")
            if path and path not in used:
                used.add(path)
                waiting += by_path[path] or ()
    return {name: frozenset(imports[name].keys() - used) for name in selection.private}


def _imports_of(path: str, file: Path) -> set[str] | None:
    """Return the modules, or the names in them, that a file imports; ``None`` if that is known at run time only."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    module = module_of(path)
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= set(_names_from(node, package))
        elif isinstance(node, ast.Call) and _is_dynamic(node):
            return None
    return found


def _names_from(node: ast.ImportFrom, package: str) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
    yield base
    # Each of them may be a module.
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _is_dynamic(node: ast.Call) -> bool:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name in ("import_module", "__import__") and bool(node.args) and not isinstance(node.args[0], ast.Constant)


def _with_parents(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]

"""Rewrites the imports of a source file, so that it imports private copies."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

#: The package that has the private copies.
PRIVATE = "_distrokit_private"

#: Functions whose first argument is the name of a module, and that return what does not depend on how it is named.
_BY_NAME = frozenset(
    [
        "import_module",
        "find_spec",
        "files",
        "read_text",
        "read_binary",
        "open_text",
        "open_binary",
        "path",
        "contents",
        "is_resource",
        "resource_filename",
        "resource_stream",
        "resource_string",
        "resource_exists",
        "get_data",
    ]
)


class CannotRewriteError(Exception):
    """A file is no Python source, or has an import that this module cannot change."""


def rewrite(source: bytes, names: Collection[str]) -> bytes:
    """Return a source file that imports the private copies of some modules.

    Args:
        source: the file.
        names: of modules and packages; those in a namespace package with its name.

    Raises: :class:`CannotRewriteError`.
    """
    if not any(name.rpartition(".")[2].encode() in source for name in names):
        return source
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise CannotRewriteError(str(error)) from error
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    edits = []
    for node, make in _changes(tree, frozenset(names)):
        begin = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]  # statements and expressions
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]  # likewise
        edits.append((begin, end, make(source[begin:end].decode()).encode()))
    for begin, end, text in sorted(edits, reverse=True):
        source = source[:begin] + text + source[end:]
    return source


def _changes(tree: ast.AST, names: frozenset[str]) -> Iterator[tuple[ast.AST, _Change]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(is_below(alias.name, names) for alias in node.names):
            yield node, _Import(node, names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            if is_below(node.module or "", names):
                yield node, _ImportFrom(node.module or "")
            elif any(is_below(f"{node.module}.{alias.name}", names) for alias in node.names):
                yield node, _Refused(f"it imports a private package from {node.module}")
        elif (constant := _module_name(node)) is not None and is_below(str(constant.value), names):
            yield constant, _Constant()
        elif _is_import_call(node, names):
            yield node, _Refused("it calls __import__ with the name of a private package")


class _Change:
    """Makes the new text of a node from its text."""

    def __call__(self, text: str) -> str:
        raise NotImplementedError


class _Import(_Change):
    def __init__(self, node: ast.Import, names: frozenset[str]) -> None:
        self._node, self._names = node, names

    def __call__(self, text: str) -> str:
        return "; ".join(part for alias in self._node.names for part in self._parts(alias))

    def _parts(self, alias: ast.alias) -> Iterator[str]:
        if not is_below(alias.name, self._names):
            yield f"import {alias.name} as {alias.asname}" if alias.asname else f"import {alias.name}"
        elif alias.asname:
            yield f"import {PRIVATE}.{alias.name} as {alias.asname}"
        elif _top(alias.name) not in self._names:
            # It would bind the namespace package, which is also the application's.
            raise CannotRewriteError(f"it imports {alias.name} without another name")
        else:
            if "." in alias.name:
                yield f"import {PRIVATE}.{alias.name}"
            # Binds the first name, as the statement did.
            yield f"from {PRIVATE} import {_top(alias.name)}"


class _ImportFrom(_Change):
    def __init__(self, module: str) -> None:
        self._module = module

    def __call__(self, text: str) -> str:
        before = rf"\A(from\s+){re.escape(self._module)}\b"
        new, count = re.subn(before, rf"\g<1>{PRIVATE}.{self._module}", text, count=1)
        if not count:
            raise CannotRewriteError(f"the form of {text.splitlines()[0]!r} is unknown")
        return new


class _Refused(_Change):
    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __call__(self, text: str) -> str:
        raise CannotRewriteError(self._reason)


class _Constant(_Change):
    def __call__(self, text: str) -> str:
        quoted = re.fullmatch(r"(?P<quote>['\"])(?P<name>[\w.]+)(?P=quote)", text)
        if quoted is None:
            raise CannotRewriteError(f"the form of {text!r} is unknown")
        return f"{quoted['quote']}{PRIVATE}.{quoted['name']}{quoted['quote']}"


def _module_name(node: ast.AST) -> ast.Constant | None:
    """Return the name of a module in a call, or in a look-up in ``sys.modules``; ``None`` for anything else."""
    found: ast.expr | None = None
    if isinstance(node, ast.Call) and node.args:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _BY_NAME or (name == "get" and _is_modules(getattr(node.func, "value", None))):
            found = node.args[0]
    elif isinstance(node, ast.Subscript) and _is_modules(node.value):
        found = node.slice
    elif isinstance(node, ast.Compare) and len(node.comparators) == 1 and _is_modules(node.comparators[0]):
        found = node.left
    return found if isinstance(found, ast.Constant) and isinstance(found.value, str) else None


def _is_modules(node: object) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "modules" and getattr(node.value, "id", "") == "sys"


def _top(name: str) -> str:
    return name.partition(".")[0]


def is_below(module: str, names: Collection[str]) -> bool:
    """Tell whether a module is one of these, or in one of these packages."""
    return module in names or any(module.startswith(f"{name}.") for name in names)


def _is_import_call(node: ast.AST, names: frozenset[str]) -> bool:
    if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "__import__" or not node.args:
        return False
    first = node.args[0]
    return isinstance(first, ast.Constant) and is_below(str(first.value), names)

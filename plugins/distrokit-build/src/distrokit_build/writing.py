"""Writes the packages of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from distrokit_build.contents import CODE, PACKAGES, entry_points_of, metadata_folder
from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed
from distrokit_build.rewriting import PRIVATE, CannotRewriteError, rewrite
from distrokit_build.selection import Selection

#: The folders besides the root that a platform puts on PYTHONPATH: those of OpenTelemetry's injector and operator.
ENTRIES = ("glibc", "musl", "opentelemetry/instrumentation/auto_instrumentation")
#: Modules of `distrokit.attached` that run in the folder.
_CODE = ("__init__.py", "decision.py", "finder.py", "program.py", "start.py")


def write_packages(selection: Selection, root: Path) -> None:
    """Write the packages, and the code that makes them importable.

    Args:
        selection: what goes into the folder.
        root: the folder, which is made.

    Raises: :class:`BuildError`: a file cannot be rewritten.
    """
    packages = root / PACKAGES
    known: dict[bytes, Path] = {}
    for name, package in (*selection.public.items(), *selection.private.items()):
        is_private = name in selection.private
        target = packages / PRIVATE if is_private else packages
        modules = {module for need in selection.imports[name] for module in selection.private[need].modules}
        _write_files(package, target, modules)
        licences = packages / PRIVATE / "licenses" / f"{name}-{package.version}"
        _copy_licences(package.licences, licences if is_private else packages / metadata_folder(package), known)
        if not is_private:
            _write_metadata(package, selection.private, packages / metadata_folder(package))
    _write(packages / PRIVATE / "__init__.py", b'"""Copies of what the packages beside it need."""\n')
    _write_code(selection.public["distrokit"], root)


def write_native(selection: Selection, packages: Iterable[str], root: Path) -> None:
    """Write the files with native code of some packages."""
    for name in packages:
        target = root / PACKAGES / PRIVATE if name in selection.private else root / PACKAGES
        for path, source in {**selection.public, **selection.private}[name].native.items():
            _write(target / path, source.read_bytes())


def _write_files(package: Installed, target: Path, modules: set[str]) -> None:
    for path, source in package.files.items():
        data = source.read_bytes()
        if path.endswith(".py"):
            try:
                data = rewrite(data, modules)
            except (CannotRewriteError, UnicodeDecodeError) as error:
                raise BuildError(
                    f"{path} of {package.title} {package.version} cannot be rewritten: {error}",
                    f"Leave it out: --exclude {package.name}.",
                ) from error
        _write(target / path, data)


def _copy_licences(files: Mapping[str, Path], target: Path, known: dict[bytes, Path]) -> None:
    """Write licence files; most packages have the same one, which is there once."""
    for path, source in files.items():
        data = source.read_bytes()
        first = known.setdefault(data, target / path)
        if first != target / path:
            data = f"The same as {os.path.relpath(first, target)}\n".encode()
        _write(target / path, data)


def _write_metadata(package: Installed, private: Mapping[str, Installed], folder: Path) -> None:
    """Write the metadata without the requirements that are private here: nothing would find them."""
    # Nor is the page for the registry of any use.
    head = package.metadata.partition("\n\n")[0]
    lines = [line for line in head.split("\n") if not _is_private_requirement(line, private)]
    _write(folder / "METADATA", "".join(f"{line}\n" for line in lines).encode())
    if entry_points := entry_points_of(package):
        lines = []
        for group, points in entry_points.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points), ""]
        _write(folder / "entry_points.txt", "\n".join(lines).encode())
    # distrokit looks there for the owner of a file.
    _write(folder / "RECORD", "".join(f"{path},,\n" for path in sorted(package.files)).encode())


def _is_private_requirement(line: str, private: Iterable[str]) -> bool:
    name, colon, text = line.partition(":")
    if not colon or name != "Requires-Dist":
        return False
    try:
        requirement = Requirement(text.strip())
    except InvalidRequirement:
        return False
    return canonicalize_name(requirement.name) in private and "extra" not in str(requirement.marker or "")


def _write_code(core: Installed, root: Path) -> None:
    """Write the code that runs first, a copy of `distrokit.attached`."""
    for name in _CODE:
        _write(root / CODE / name, core.files[f"distrokit/attached/{name}"].read_bytes())
    first = core.files["distrokit/attached/site/sitecustomize.py"].read_bytes()
    for entry in ("", *ENTRIES):
        _write(root / entry / "sitecustomize.py", first)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

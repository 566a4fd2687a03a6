"""Reads the distributions that are installed on a path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

#: Endings of files with native code.
NATIVE = (".so", ".pyd", ".dylib", ".dll")
#: Endings of files that nothing reads at run time.
_UNUSED = (".pyc", ".pyi", ".pth", ".c", ".h", ".pyx", ".pxd", "/py.typed")
_SCRIPTS = ("bin/", "Scripts/")
#: The part of distrokit that only tests import.
_FOR_TESTS = "distrokit/testing/"
_LICENCES = ("licen", "copying", "notice", "authors")


@dataclass(frozen=True)
class Installed:
    """A distribution.

    Attributes:
        name: its name, normalized.
        version: its version.
        title: its name as its author writes it.
        metadata: the text of ``METADATA``.
        entry_points: by group: names and values.
        files: by path relative to the environment's folder, with ``/``: the files that are needed at run time.
        native: the same for files with native code.
        licences: by path relative to the metadata folder: the licence files.
        requires: what it needs; without the requirements of extras.
        instruments: the normalized names of the libraries that it is an instrumentation for.
        project: the folder of its sources, if it is installed in editable mode; ``None`` else.
    """

    name: str
    version: str
    title: str
    metadata: str
    entry_points: Mapping[str, tuple[tuple[str, str], ...]]
    files: Mapping[str, Path] = field(repr=False)
    native: Mapping[str, Path] = field(repr=False)
    licences: Mapping[str, Path] = field(repr=False)
    requires: tuple[Requirement, ...] = ()
    instruments: frozenset[str] = frozenset()
    project: Path | None = None

    @property
    def modules(self) -> set[str]:
        """Return the names of its modules and packages, below the namespace packages that it shares with others."""
        return {self._module(path) for path in (*self.files, *self.native) if path.endswith((".py", *NATIVE))}

    def _module(self, path: str) -> str:
        parts = path.split("/")
        for at in range(1, len(parts)):
            if f"{'/'.join(parts[:at])}/__init__.py" in self.files:
                return ".".join(parts[:at])
        return ".".join([*parts[:-1], parts[-1].partition(".")[0]])


def module_of(path: str) -> str:
    """Return the name of the module in a file, whose path is relative to a folder of ``sys.path``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def read_installed(path: Iterable[str]) -> dict[str, Installed]:
    """Return the distributions on a path by their normalized name; the first of equal names counts."""
    found: dict[str, Installed] = {}
    for distribution in distributions(path=[*path]):
        title = distribution.metadata["Name"]
        if title and (name := canonicalize_name(title)) not in found:
            found[name] = _read(name, distribution)
    return found


def _read(name: str, distribution: Distribution) -> Installed:
    files: dict[str, Path] = {}
    native: dict[str, Path] = {}
    licences: dict[str, Path] = {}
    for file in distribution.files or ():
        path = file.as_posix()
        parts = path.split("/")
        located = Path(str(distribution.locate_file(file)))
        if parts[0].endswith((".dist-info", ".egg-info")):
            if parts[1] in ("licenses", "license_files") or parts[-1].lower().startswith(_LICENCES):
                licences["/".join(parts[1:])] = located
        elif path.endswith(NATIVE):
            native[path] = located
        elif not path.startswith((".", "/", _FOR_TESTS)) and not path.endswith(_UNUSED) and "__pycache__" not in parts:
            files[path] = located
    # Scripts, manual pages and the like are in folders that are no packages.
    tops = {path.partition("/")[0] for path in (*files, *native) if path.endswith((".py", *NATIVE))}
    files = {path: at for path, at in files.items() if path.partition("/")[0] in tops and not path.startswith(_SCRIPTS)}
    requirements = [*_requirements(distribution)]
    return Installed(
        name,
        distribution.version,
        distribution.metadata["Name"],
        distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "",
        _entry_points(distribution),
        files,
        native,
        licences,
        tuple(requirement for requirement in requirements if "extra" not in str(requirement.marker or "")),
        frozenset(canonicalize_name(r.name) for r in requirements if "instruments" in str(r.marker or "")),
        _project(distribution),
    )


def _entry_points(distribution: Distribution) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for point in distribution.entry_points:
        found[point.group] = (*found.get(point.group, ()), (point.name, point.value))
    return found


def _requirements(distribution: Distribution) -> Iterable[Requirement]:
    for text in distribution.requires or ():
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _project(distribution: Distribution) -> Path | None:
    """Return the folder of the sources of a distribution in editable mode."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    url = str(origin.get("url", ""))
    if not origin.get("dir_info", {}).get("editable") or not url.startswith("file://"):
        return None
    return Path(unquote(urlsplit(url).path))

"""Describes a folder that was built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from distrokit_build import manifest
from distrokit_build.contents import read
from distrokit_build.installed import NATIVE

#: Number of files that a problem names.
_SHOWN = 5
_TAG = re.compile(r"\.cpython-3(\d+)\.pyc$")


def describe_folder(folder: Path) -> dict[str, Any]:
    """Describe a folder.

    Returns: JSON-ready data: ``folder``, ``distrokit``, ``pythons`` (text), ``bytecode`` (versions), ``bytes``,
    ``files``, ``digest`` (SHA-256 of the list of all files as they were built), ``native`` (paths), ``packages`` and
    ``private`` (name to version), ``left_out`` (name to reason), ``problems`` (texts).

    Raises: :class:`~distrokit_build.errors.BuildError`: it is not a folder of ``distrokit build``.
    """
    contents = read(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    size = sum(path.stat().st_size for path in files)
    native = [name for name in names if name.endswith(NATIVE)]
    interpreters: list[str] = contents["interpreters"]
    return {
        "folder": str(folder.absolute()),
        "distrokit": contents["distrokit"],
        "pythons": ", ".join(interpreters) if interpreters else "CPython 3.10 and later, of any build",
        "bytecode": _bytecode(names),
        "bytes": size,
        "files": len(files),
        "digest": manifest.digest(folder),
        "native": native,
        "packages": {name: package["version"] for name, package in contents["packages"].items()},
        "private": contents["private"],
        "left_out": contents["left_out"],
        "problems": [*_problems(folder, contents, native)],
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the description as text."""
    instrumentations = sum(name.startswith("opentelemetry-instrumentation-") for name in found["packages"])
    packages = f"{len(found['packages'])} packages ({instrumentations} with instrumentations)"
    shown = [
        f"{found['folder']}: distrokit {found['distrokit']}, {packages}, {found['bytes'] / 1e6:.1f} MB",
        f"  for         {found['pythons']}",
        f"  byte code   {', '.join(found['bytecode']) or 'none'}; other Pythons compile it at each start",
        f"  native      {', '.join(found['native']) or 'nothing'}",
        f"  private     {_listed(found['private'])}",
    ]
    if found["left_out"]:
        by_reason: dict[str, list[str]] = {}
        for name, reason in found["left_out"].items():
            by_reason.setdefault(reason, []).append(name)
        shown += [f"  left out    {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
    if not instrumentations:
        shown.append("  note        nothing is instrumented; add packages such as opentelemetry-instrumentation-flask")
    remedy = ["  remedy      build it again, to the same --target"] if found["problems"] else []
    return [
        *shown,
        f"  sha256      {found['digest']}",
        *(f"  problem     {text}" for text in found["problems"]),
        *remedy,
    ]


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "nothing"


def _bytecode(names: list[str]) -> list[str]:
    """Return the Pythons that have byte code for all files."""
    sources = sum(name.endswith(".py") for name in names)
    counts: dict[int, int] = {}
    for name in names:
        if tag := _TAG.search(name):
            counts[int(tag[1])] = counts.get(int(tag[1]), 0) + 1
    return [f"3.{minor}" for minor, count in sorted(counts.items()) if count == sources]


def _problems(folder: Path, contents: Mapping[str, Any], native: list[str]) -> Iterator[str]:
    if native and not contents["interpreters"]:
        yield "it has native code that it was not built with"
    for what, names in zip(("missing", "changed", "new"), manifest.compare(folder), strict=True):
        if names:
            yield f"{what}: {', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if names[_SHOWN:] else ''}"

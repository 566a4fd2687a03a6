"""Describes a folder in a file of its own, for the code that runs in it and for ``--check``."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed
from distrokit_build.rewriting import PRIVATE
from distrokit_build.selection import Selection
from distrokit_build.source import GROUPS

#: The package in a folder that has its code, and the folder that has the packages.
CODE, PACKAGES = "_distrokit_attach", "distrokit-attached"
#: Version of the shape of the contents.
FORMAT = 1

_HEAD = '"""Written by `distrokit build`."""\n\nCONTENTS = '


def describe(selection: Selection, interpreters: Sequence[str] = ()) -> dict[str, Any]:
    """Return the contents of a folder.

    Args:
        selection: what goes into it.
        interpreters: those that its native code is for; empty for any.

    Returns: JSON-ready data:
        ``format``; ``distrokit``, its version; ``interpreters``;
        ``modules``, the names of the top-level modules that the folder offers;
        ``supported``, by distribution of OpenTelemetry: the versions of the application's that work, from and below;
        ``packages``, by normalized name: name, version, metadata folder, what it needs of the others,
        and its entry points, by group: names and values;
        ``private``, by name: version; ``left_out``, by name: reason.
    """
    modules = {module.partition(".")[0] for package in selection.public.values() for module in package.modules}
    return {
        "format": FORMAT,
        "distrokit": selection.public["distrokit"].version,
        "interpreters": interpreters,
        "modules": tuple(sorted(modules | {PRIVATE})),
        "supported": _supported(selection.public["distrokit"]),
        "packages": {
            name: {
                "name": package.title,
                "version": package.version,
                "metadata": metadata_folder(package),
                "needs": _needs(package, selection.public),
                "entry_points": entry_points_of(package),
            }
            for name, package in selection.public.items()
        },
        "private": {name: package.version for name, package in selection.private.items()},
        "left_out": dict(sorted(selection.left_out.items())),
    }


def write(contents: Mapping[str, Any], folder: Path) -> None:
    """Write the contents into a folder."""
    text = json.dumps(contents, indent=1, sort_keys=True)
    (folder / CODE / "contents.py").write_text(f"{_HEAD}{text}\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Read the contents of a folder.

    Raises: :class:`BuildError`: it is not a folder of ``distrokit build``.
    """
    try:
        text = (folder / CODE / "contents.py").read_text(encoding="utf-8")
        contents: dict[str, Any] = ast.literal_eval(text.removeprefix(_HEAD))
    except (OSError, ValueError, SyntaxError):
        raise BuildError(f"{folder} is not a folder of `distrokit build`", "Correct the path.") from None
    if contents.get("format") != FORMAT:
        raise BuildError(f"{folder} has another format", "Use the distrokit that built it.")
    return contents


def entry_points_of(package: Installed) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the entry points that are about telemetry: no plugins of pytest, no programs, …."""
    # distrokit's own plugins tell gevent what to call.
    groups = (*GROUPS, "gevent.plugins.") if package.name.startswith("distrokit-") else GROUPS
    return {group: points for group, points in sorted(package.entry_points.items()) if group.startswith(groups)}


def metadata_folder(package: Installed) -> str:
    """Return the name of the metadata folder of a distribution."""
    return f"{package.name.replace('-', '_')}-{package.version}.dist-info"


def _supported(core: Installed) -> dict[str, tuple[str, str]]:
    found = {}
    for requirement in core.requires:
        bounds = {specifier.operator: specifier.version for specifier in requirement.specifier}
        if requirement.name.startswith("opentelemetry-"):
            found[requirement.name] = (bounds[">="], bounds["<"])
    return found


def _needs(package: Installed, public: Mapping[str, Installed]) -> tuple[tuple[str, str], ...]:
    named = {canonicalize_name(requirement.name): requirement for requirement in package.requires}
    return tuple((name, str(requirement.specifier)) for name, requirement in sorted(named.items()) if name in public)

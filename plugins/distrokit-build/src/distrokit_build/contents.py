"""What a folder knows about itself, for the code that runs in it and for ``--check``."""

from __future__ import annotations

import ast
import configparser
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

import distrokit
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


def describe(selection: Selection, served: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the contents of a folder.

    Args:
        selection: what goes into it.
        served: the interpreters that it is limited to by native code; empty for any.

    Returns: data without objects of classes:
        ``format``; ``distrokit``, the version that built it; ``served``;
        ``modules``, the names of the top-level modules that the folder offers;
        ``supported``, by distribution of OpenTelemetry: the versions of the application's that work, from and below;
        ``packages``, by normalized name: name, version, metadata folder, what it needs of the others,
        and its entry points, by group: names and values;
        ``private``, by name: version; ``left_out``, by name: reason.
    """
    modules = {module.partition(".")[0] for package in selection.public.values() for module in package.modules}
    return {
        "format": FORMAT,
        "distrokit": distrokit.__version__,
        "served": served,
        "modules": tuple(sorted(modules | {PRIVATE})),
        "supported": _supported(selection.public["distrokit"]),
        "packages": {
            name: {
                "name": package.title,
                "version": package.version,
                "metadata": metadata_folder(package),
                "needs": _needs(package, selection.public),
                "entry_points": _entry_points(package),
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


def entry_points_of(package: Installed) -> str:
    """Return ``entry_points.txt`` without the groups that are not about telemetry: pytest's plugins, programs, …."""
    kept, lines = False, []
    for line in package.entry_points.splitlines():
        if line.strip().startswith("["):
            # distrokit's own plugins tell gevent what to call.
            groups = (*GROUPS, "gevent.plugins.") if package.name.startswith("distrokit-") else GROUPS
            kept = line.strip()[1:].startswith(groups)
        if kept:
            lines.append(f"{line}\n")
    return "".join(lines)


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


def _entry_points(package: Installed) -> dict[str, list[tuple[str, str]]]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    # Names keep their case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation shows
    parser.read_string(entry_points_of(package))
    return {group: [(name, value) for name, value in parser.items(group)] for group in parser.sections()}

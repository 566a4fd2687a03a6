"""Finds the packages that a folder is built from."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

import distrokit
from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed, read_installed
from distrokit_build.installing import install, unpack_project

#: Beginnings of groups of entry points that OpenTelemetry and distrokit read.
GROUPS = ("opentelemetry_", "_opentelemetry_", "distrokit")
#: It promises no compatibility, and an application may have another release: the folder has a private copy.
SEMANTIC_CONVENTIONS = "opentelemetry-semantic-conventions"


def find_packages(requirements: Sequence[str], files: Sequence[str], work: Path) -> dict[str, Installed]:
    """Return the distributions by their normalized name.

    Args:
        requirements: as pip takes them, paths of projects among them.
        files: requirement files; if there are neither, the running environment is the source.
        work: a folder for temporary files.

    Raises: :class:`BuildError`.
    """
    for file in files:
        if not Path(file).is_file():
            raise BuildError(f"there is no file {file}", "Correct the option -r.")
    if requirements or files:
        install(requirements, files, work / "installed")
        found = read_installed([str(work / "installed")])
    else:
        found = read_installed(sys.path)
    for name, package in found.items():
        if package.project is not None and is_of_telemetry(package):
            unpack_project(package.project, work / "projects" / name)
            found[name] = read_installed([str(work / "projects" / name)])[name]
    if "distrokit" not in found:
        raise BuildError("distrokit is not among the packages", "Add 'distrokit[otlp]' to the requirements.")
    if found["distrokit"].version != distrokit.__version__:
        raise BuildError(
            f"distrokit {found['distrokit'].version} is among the packages, and this is {distrokit.__version__}",
            "Use the distrokit-build of the same version.",
        )
    return found


def names_of(requirements: Iterable[str]) -> Iterator[str]:
    """Yield the names in requirements; a path or URL has none."""
    for requirement in requirements:
        with contextlib.suppress(InvalidRequirement):
            yield Requirement(requirement).name


def is_of_telemetry(package: Installed) -> bool:
    """Tell whether a distribution belongs to the telemetry, which is imported under its own names."""
    if package.name == SEMANTIC_CONVENTIONS:
        return False
    return package.name.startswith(("opentelemetry-", "distrokit-")) or is_part(package)


def is_part(package: Installed) -> bool:
    """Tell whether a distribution has entry points for OpenTelemetry or distrokit."""
    return any(group.startswith(GROUPS) for group in package.entry_points)

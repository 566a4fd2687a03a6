"""Decides what goes into a folder, and which of it is private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from distrokit_build.errors import BuildError
from distrokit_build.installed import Installed
from distrokit_build.source import is_of_telemetry, is_part

#: The Pythons that a folder is for: what any of them needs is in it.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

#: Left out unless something else needs them, with the reason.
_LEFT_OUT = {
    "distrokit-build": "it makes such folders",
    "distrokit-dev": "it is for development",
    "opentelemetry-distro": "distrokit is the distro",
    "opentelemetry-exporter-http-transport": "distrokit-otlp sends OTLP without it",
    "opentelemetry-exporter-otlp": "distrokit-otlp sends OTLP without it",
    "opentelemetry-exporter-otlp-proto-common": "distrokit-otlp sends OTLP without it",
    "opentelemetry-exporter-otlp-proto-grpc": "distrokit-otlp sends OTLP without it",
    "opentelemetry-exporter-otlp-proto-http": "distrokit-otlp sends OTLP without it",
    "opentelemetry-proto": "distrokit-otlp sends OTLP without it",
}


@dataclass(frozen=True)
class Selection:
    """The distributions of a folder.

    Attributes:
        public: the distributions of the telemetry, which are imported under their own names.
        private: what they need beside it; it gets other names.
        needs: by name of a distribution: the names of what it needs, directly or not, and its own.
        imports: by name of a distribution: the names of the private ones that it imports.
        left_out: names that are left out, with the reason.
    """

    public: Mapping[str, Installed]
    private: Mapping[str, Installed]
    needs: Mapping[str, frozenset[str]]
    imports: Mapping[str, frozenset[str]]
    left_out: Mapping[str, str]


def select(packages: Mapping[str, Installed], excluded: Iterable[str] = (), named: Iterable[str] = ()) -> Selection:
    """Select the distributions of the telemetry, and what they need on any of :data:`PYTHONS`.

    Args:
        packages: all that there are.
        excluded: names that the user leaves out.
        named: names that the user asks for; those that are not needed are among what is left out.

    Raises: :class:`BuildError`: something is missing, or needed and excluded.
    """
    without: dict[str, str] = {canonicalize_name(name): name for name in excluded}
    unknown = [name for normal, name in without.items() if normal not in packages]
    if unknown:
        raise BuildError(f"--exclude {', '.join(unknown)}: it is not among the packages", "Correct the name.")
    left_out = dict.fromkeys(without, "--exclude")
    left_out |= {name: reason for name, reason in _LEFT_OUT.items() if name in packages and name not in without}
    roots = [name for name, package in packages.items() if is_part(package) and name not in left_out]
    selected: dict[str, list[str]] = {}
    waiting = [(name, "") for name in roots]
    while waiting:
        name, needed_by = waiting.pop(0)
        if name in selected:
            continue
        if name in without:
            remedy = f"Add --exclude {needed_by}." if needed_by != "distrokit" else "Leave that option out."
            raise BuildError(f"{needed_by} needs {name}, which --exclude leaves out", remedy)
        if name not in packages:
            raise BuildError(
                f"{needed_by} needs {name} on some Python from {PYTHONS[0]} on, and it is not among the packages",
                f"Install it here, or add it to the requirements: {name}. Or leave it out: --exclude {needed_by}.",
            )
        selected[name] = [*_needs_of(packages[name])]
        left_out.pop(name, None)
        waiting += [(needed, name) for needed in selected[name]]
    unneeded = (name for name in map(canonicalize_name, named) if name in packages and name not in selected)
    left_out = {**dict.fromkeys(unneeded, "no part of the telemetry needs it"), **left_out}
    public = {name: packages[name] for name in sorted(selected) if is_of_telemetry(packages[name])}
    private = {name: packages[name] for name in sorted(selected) if name not in public}
    needs = {name: _all_needs(name, selected) for name in selected}
    # All, since not every package declares what it imports; but not the library that one is an instrumentation for,
    # which is the application's.
    imports = {name: frozenset(private.keys() - (packages[name].instruments - needs[name])) for name in selected}
    return Selection(public, private, needs, imports, left_out)


def _needs_of(package: Installed) -> Iterator[str]:
    """Yield the normalized names of what a distribution needs on any of :data:`PYTHONS`."""
    for requirement in package.requires:
        if any(_applies(requirement, python) for python in PYTHONS):
            yield canonicalize_name(requirement.name)


def _applies(requirement: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _all_needs(name: str, needs: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += needs[current]
    return frozenset(found)

"""Families of distributions that are released together, and the newest release that all installed ones can have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution

from distrokit.lazy.entry_point_files import normalize as normal
from distrokit.plugins.requirements import InvalidRequirement, Requirement, Specifiers, Version

#: OpenTelemetry releases its distributions under two versions at a time: 1.45.1 and 0.66b1.
_STABLE = re.compile(r"opentelemetry-(api|sdk|proto|exporter-otlp(-proto-\w+)*|propagator-(b3|jaeger))")
_BETA = re.compile(r"0\.\d\d+b\d+")
_DISTROKIT = re.compile(r"distrokit(-(batch|build|components|dev|guard|otlp|policy|resource|spool|yaml))?")


class Release:
    """The release of the installed distributions of each family.

    A patch release (0.66b2) does not contain every distribution, and each distribution needs others of its own patch.
    One patch of a minor release contains all of them; it is rarely later than the oldest patch that is installed.

    Args:
        found: the installed distributions by normal name.

    Attributes:
        families: ``stable``, ``beta`` or ``distrokit``, by the name of each distribution that belongs to one.
        pins: one version for each family.
        ranges: the minor release for each family of OpenTelemetry.
    """

    def __init__(self, found: Mapping[str, Distribution]) -> None:
        self.families = {name: family for name, dist in found.items() if (family := family_of(name, dist.version))}
        self.pins: dict[str, Specifiers] = {}
        self.ranges: dict[str, Specifiers] = {}
        self._found = found
        demands, partners = self._relations()
        for family in ("beta", "stable", "distrokit"):
            versions = {_version(found[name].version) for name, of in self.families.items() if of == family}
            fitting = [one for one in versions if demands[family].contains(str(one))] or list(versions)
            if family in self.pins or not fitting:
                continue
            newest = max(fitting)
            first = min(one for one in fitting if one.release[:2] == newest.release[:2])
            self._choose(family, newest if family == "distrokit" else first)
            if family == "beta" and first in partners:
                self._choose("stable", partners[first])

    def pinned_requirements(self, *families: str) -> dict[str, Specifiers]:
        """Return every installed distribution of these families, by name, with the version of its family."""
        return {name: self.pins.get(of, Specifiers()) for name, of in self.families.items() if of in families}

    def outermost_requirements(self) -> dict[str, Specifiers]:
        """Return OpenTelemetry's distributions that no other one of them needs, with the minor release."""
        ours = {name: of for name, of in self.families.items() if of in ("stable", "beta")}
        needed = {normal(one.name) for name in ours for one in requirements_of(self._found[name])}
        return {name: self.ranges.get(of, Specifiers()) for name, of in ours.items() if name not in needed}

    def _choose(self, family: str, version: Version) -> None:
        self.pins[family], self.ranges[family] = Specifiers(f"=={version}"), _minor(version)

    def _relations(self) -> tuple[Mapping[str, Specifiers], dict[Version, Version]]:
        """Return the versions that others need of each family, and the stable release of each beta release."""
        demands: defaultdict[str, Specifiers] = defaultdict(Specifiers)
        partners: dict[Version, Version] = {}
        for name, dist in self._found.items():
            own = self.families.get(name, "")
            for requirement in requirements_of(dist):
                other = self.families.get(normal(requirement.name), "")
                pin = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
                if pin and {own, other} == {"stable", "beta"}:
                    beta, stable = sorted((_version(dist.version), _version(pin[1])))
                    partners[beta] = stable
                elif other and own not in ("stable", "beta", other):
                    demands[other] &= requirement.specifier
        return demands, partners


def family_of(name: str, version: str = "") -> str:
    """Return the family that a distribution is released with; empty for none."""
    if _DISTROKIT.fullmatch(name):
        return "distrokit"
    if _STABLE.fullmatch(name):
        return "stable"
    return "beta" if name.startswith("opentelemetry-") and _BETA.fullmatch(version) else ""


def requirements_of(dist: Distribution) -> Iterator[Requirement]:
    """Yield the requirements of a distribution, without those of extras."""
    for text in dist.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def format_requirements(requirements: Mapping[str, Specifiers], more: Iterable[str] = ()) -> list[str]:
    """Return the requirements as an installer takes them, sorted."""
    return sorted({*(f"{name}{specifiers}" for name, specifiers in requirements.items()), *more})


def _minor(version: Version) -> Specifiers:
    major, minor = (*version.release, 0)[:2]
    # A range that names a pre-release includes pre-releases.
    first = f"{major}.{minor}b0" if version.is_prerelease else f"{major}.{minor}"
    return Specifiers(f">={first},<{major}.{minor + 1}")


def _version(text: str) -> Version:
    try:
        return Version(text)
    except ValueError:
        return Version("0")

"""Versions that belong together, and the one line that puts them right."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from distrokit.bundles import in_bundle
from distrokit.checks.installer import install_line
from distrokit.declarations import Check

#: Whose requirements are compared.
OURS = re.compile(r"opentelemetry-|distrokit(-|$)")
#: Named in the line that says all is well.
_NAMED = ("distrokit", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation")
#: Distributions of OpenTelemetry's that are released together, under two versions: 1.45.1 and 0.66b1.
_STABLE = re.compile(r"opentelemetry-(api|sdk|proto|exporter-otlp(-proto-\w+)*|propagator-(b3|jaeger))")
_BETA = re.compile(r"0\.\d\d+b\d+")
_DISTROKIT = re.compile(r"distrokit(-(batch|components|dev|otlp|resource|spool|yaml))?")


def versions(found: Mapping[str, Distribution]) -> Iterator[Check]:
    """A finding per requirement that is not met, all with one remedy.

    Args:
        found: the installed distributions by normal name.
    """
    wrong: list[str] = []
    unmet: list[tuple[str, Requirement]] = []
    for name, dist in sorted(found.items()):
        for requirement in requirements(dist) if OURS.match(name) else ():
            other = found.get(normal(requirement.name))
            if other is None and not in_bundle():
                # In a bundle there may be the library, and no metadata.
                wrong.append(f"{name} {dist.version} needs {requirement}, which is not installed")
                unmet.append((name, requirement))
            elif other is not None and not requirement.specifier.contains(other.version, prereleases=True):
                wrong.append(f"{name} {dist.version} needs {requirement}, and {other.version} is installed")
                unmet.append((name, requirement))
    if wrong:
        remedy = install_line(*_wanted(unmet, found), upgrade=True)
        yield from (Check("versions", "fail", evidence, remedy) for evidence in wrong)
        return
    named = ", ".join(f"{name} {found[name].version}" for name in _NAMED if name in found)
    yield Check("versions", "ok", f"{named} belong together")


def requirements(dist: Distribution) -> Iterator[Requirement]:
    """What it needs in any case: without extras."""
    for text in dist.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def normal(name: str) -> str:
    """A distribution's name as it is compared (packaging specification, *Name normalization*)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release_of_instrumentations(found: Mapping[str, Distribution]) -> str:
    """The version for ``opentelemetry-instrumentation-flask`` and its like; empty where none is known."""
    return _release(found, _families(found)).get("beta", "")


def _families(found: Mapping[str, Distribution]) -> dict[str, str]:
    return {name: family for name, dist in found.items() if (family := _family(name, dist.version))}


def _wanted(unmet: Iterable[tuple[str, Requirement]], found: Mapping[str, Distribution]) -> list[str]:
    """Requirements that can be met together: each family at one release, the others as they are asked for."""
    families = _families(found)
    touched = {families.get(name) for user, wanted in unmet for name in (user, normal(wanted.name))}
    if touched & {"stable", "beta"}:
        touched |= {"stable", "beta"}
    release = _release(found, families)
    pinned = {
        name: SpecifierSet(f"=={release[family]}" if family in release else "")
        for name, family in families.items()
        if family in touched
    }
    others: defaultdict[str, SpecifierSet] = defaultdict(SpecifierSet)
    for user, requirement in unmet:
        if user not in pinned:
            others[user] &= SpecifierSet()
        name = normal(requirement.name)
        if name not in pinned:
            # One of a family that is missing is asked for in the release of those that need it.
            family = _family(name, str(requirement.specifier).removeprefix("=="))
            others[name] &= SpecifierSet(f"=={release[family]}") if family in release else requirement.specifier
    return sorted(f"{name}{specifiers}" for name, specifiers in {**pinned, **others}.items())


def _family(name: str, version: str = "") -> str:
    """Which distributions it is released with; empty for none."""
    if _DISTROKIT.fullmatch(name):
        return "distrokit"
    if _STABLE.fullmatch(name):
        return "stable"
    return "beta" if name.startswith("opentelemetry-") and _BETA.fullmatch(version) else ""


def _release(found: Mapping[str, Distribution], families: Mapping[str, str]) -> dict[str, str]:
    """Of each family the installed release that the others allow, and that all of it can have.

    That is the newest minor one, and of this the first that is installed: a patch is not published of every
    distribution. The two families of OpenTelemetry's go together.
    """
    demands: defaultdict[str, SpecifierSet] = defaultdict(SpecifierSet)
    partners: dict[str, dict[str, str]] = {"stable": {}, "beta": {}}
    for name, dist in found.items():
        own = families.get(name, "")
        for requirement in requirements(dist):
            other = families.get(normal(requirement.name), "")
            pin = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
            if own in partners and other in partners and own != other and pin:
                partners[own][dist.version], partners[other][pin[1]] = pin[1], dist.version
            elif other and own != other and own not in partners:
                demands[other] &= requirement.specifier
    release: dict[str, str] = {}
    for family in ("beta", "stable", "distrokit"):
        versions = {_version(found[name].version) for name, of in families.items() if of == family}
        fitting = [one for one in versions if demands[family].contains(one, prereleases=True)] or list(versions)
        if family not in release and fitting:
            newest = max(fitting).release[:2]
            release[family] = str(min(one for one in fitting if one.release[:2] == newest))
            if family == "beta" and (partner := partners["beta"].get(release["beta"])):
                release["stable"] = partner
    return release


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")

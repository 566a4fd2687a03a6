"""The check that installed versions fit together, and the one line that repairs them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import Distribution

from distrokit.declarations import Check
from distrokit.doctor.installer import install_line
from distrokit.doctor.release import Release, family_of, format_requirements, requirements_of
from distrokit.lazy.entry_point_files import normalize as normal
from distrokit.plugins.requirements import Requirement, Specifiers
from distrokit.settings.frozen_programs import in_bundle

#: The distributions whose requirements are checked.
OURS = re.compile(r"opentelemetry-|distrokit(-|$)")
#: Named when all versions fit.
_NAMED = ("distrokit", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation")


def check_versions(found: Mapping[str, Distribution], trusted: Collection[str] = ()) -> Iterator[Check]:
    """Report each requirement that is not met, all with one remedy.

    Args:
        found: the installed distributions by normal name.
        trusted: those whose requirements are not checked.
    """
    wrong: list[str] = []
    unmet: list[tuple[str, Requirement]] = []
    for name, dist in sorted(found.items()):
        for requirement in requirements_of(dist) if OURS.match(name) and name not in trusted else ():
            other = found.get(normal(requirement.name))
            if other is None and not in_bundle():
                # A bundle may contain the library without its metadata.
                wrong.append(f"{name} {dist.version} needs {requirement}, which is not installed")
                unmet.append((name, requirement))
            elif other is not None and not requirement.specifier.contains(other.version):
                wrong.append(f"{name} {dist.version} needs {requirement}, and {other.version} is installed")
                unmet.append((name, requirement))
    if wrong:
        remedy = install_line(*_wanted(unmet, found), upgrade=True)
        yield from (Check("versions", "fail", evidence, remedy) for evidence in wrong)
        return
    named = ", ".join(f"{name} {found[name].version}" for name in _NAMED if name in found)
    yield Check("versions", "ok", f"{named} belong together")


def _wanted(unmet: Iterable[tuple[str, Requirement]], found: Mapping[str, Distribution]) -> list[str]:
    """Return requirements that can be met together: each family at one release, the others as they are required."""
    release = Release(found)
    touched = {release.families.get(name, "") for user, one in unmet for name in (user, normal(one.name))}
    if touched & {"stable", "beta"}:
        touched |= {"stable", "beta"}
    wanted = release.pinned_requirements(*touched)
    others: defaultdict[str, Specifiers] = defaultdict(Specifiers)
    for user, requirement in unmet:
        if user not in wanted:
            others[user] &= Specifiers()
        name = normal(requirement.name)
        if name not in wanted:
            # A missing member of a family is installed in the release of those that need it.
            family = family_of(name, str(requirement.specifier).removeprefix("=="))
            others[name] &= release.pins.get(family, requirement.specifier)
    return format_requirements({**wanted, **others})

"""What is installed: versions that belong together, libraries and their instrumentations, distros."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions

from packaging.requirements import InvalidRequirement, Requirement

from distrokit import instrumentation
from distrokit.checks.installer import install_line
from distrokit.declarations import Check
from distrokit.distros import DISTRO_GROUP
from distrokit.election import Election
from distrokit.entry_points import EntryPoints, distribution_of, version_of
from distrokit.plan import Plan

#: Of whose requirements the versions are compared.
_OURS = re.compile(r"opentelemetry-|distrokit(-|$)")
#: What the table has only because another library, which the instrumentation is for, needs it.
_BESIDE = ("pydantic",)
#: Named in the line that says all is well.
_NAMED = ("distrokit", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation")


def packages(election: Election, installed: EntryPoints, plan: Plan) -> Iterator[Check]:
    """Every finding about packages."""
    # The first one on the path is the one that is imported.
    found: dict[str, Distribution] = {}
    for dist in distributions():
        found.setdefault(_normal(dist.name or ""), dist)
    yield from _versions(found)
    yield _distros(election, installed, plan)
    yield from _instrumentations(plan)
    yield from _uninstrumented(found, plan)


def _versions(found: Mapping[str, Distribution]) -> Iterator[Check]:
    wrong: list[str] = []
    involved: set[str] = set()
    for name, dist in sorted(found.items()):
        for requirement in _requirements(dist) if _OURS.match(name) else ():
            other = found.get(_normal(requirement.name))
            if other is None:
                wrong.append(f"{name} {dist.version} needs {requirement}, which is not installed")
            elif not requirement.specifier.contains(other.version, prereleases=True):
                wrong.append(f"{name} {dist.version} needs {requirement}, and {other.version} is installed")
            else:
                continue
            involved |= {name, _normal(requirement.name)}
    # All in one line: pinned one by one they would chase each other.
    remedy = install_line(*sorted(involved), upgrade=True)
    yield from (Check("versions", "fail", evidence, remedy) for evidence in wrong)
    if not wrong:
        named = ", ".join(f"{name} {found[name].version}" for name in _NAMED if name in found)
        yield Check("versions", "ok", f"{named} belong together")


def _requirements(dist: Distribution) -> Iterator[Requirement]:
    """What it needs in any case: without extras."""
    for text in dist.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _distros(election: Election, installed: EntryPoints, plan: Plan) -> Check:
    found = {distribution_of(point) or point.name: version_of(point) for point in installed.group(DISTRO_GROUP)}
    names = ", ".join(f"{name} {version}".strip() for name, version in found.items())
    if not election.ours:
        evidence = f"{election.name} configures the process, and distrokit builds nothing (installed: {names})"
        return Check("distro", "warn", evidence, "export OTEL_PYTHON_DISTRO=distrokit")
    if len(found) > 1:
        ours = plan.distro
        who = "distrokit" if ours.default else f"distro {ours.label}"
        why = "" if ours.default else f": {ours.why}"
        evidence = f"{who} configures the process{why} (installed: {names}); to be sure whatever starts it:"
        return Check(
            "distro", "ok", evidence, f"export OTEL_PYTHON_DISTRO={shlex.quote(ours.called or ours.distro.name)}"
        )
    return Check("distro", "ok", f"distrokit configures the process; no other distro is installed ({names})")


def _instrumentations(plan: Plan) -> Iterator[Check]:
    fitting, missing = [], []
    for name, item in plan.instrumentations.items():
        if item.point is None or not item.enabled:
            continue
        reason = instrumentation.conflict(item.point)
        if not reason:
            moment = instrumentation.moment(item.name)
            fitting.append(f"{name} ({moment})" if moment else name)
        elif "currently installed version" in reason:
            remedy = f"Install a version in that range, or set {instrumentation.DISABLED}={item.name}."
            yield Check("instrumentation-range", "warn", f"{name}: {reason}", remedy)
        else:
            missing.append((name, item.distribution))
    for name, item in plan.instrumentations.items():
        for keyword, reason in instrumentation.not_found(item) if item.enabled else ():
            evidence = f"{name}: {keyword} ({item.sources.get(keyword, item.source)}): {reason}"
            yield Check("instrumentation-callable", "warn", evidence, "Write module:attribute; put it on PYTHONPATH.")
    if missing:
        names = ", ".join(name for name, _ in missing)
        evidence = f"not applied, since the library of each is not installed in this environment: {names}"
        remedy = "Install the libraries here, or run your program with the interpreter that has them."
        yield Check("instrumentation-library", "warn", evidence, remedy)
    if fitting:
        yield Check("instrumentations", "ok", f"fit what is installed: {', '.join(fitting)}")


def _uninstrumented(found: Mapping[str, Distribution], plan: Plan) -> Iterator[Check]:
    """Libraries whose instrumentation OpenTelemetry has and this environment has not."""
    missing: dict[str, str] = {}
    only_ours = _brought_by_us(found)
    for library, requirement in _known_instrumentations():
        dist = None if _normal(library.name) in {*only_ours, *_BESIDE} else found.get(_normal(library.name))
        there = dist is not None and library.specifier.contains(dist.version, prereleases=True)
        if there and _normal(requirement.name) not in found:
            missing.setdefault(requirement.name, library.name)
    if missing:
        evidence = f"no instrumentation is installed for {', '.join(sorted(set(missing.values())))}"
        yield Check(
            "instrumentation-missing", "warn", evidence, install_line(*_of_this_release(sorted(missing), found))
        )
    elif not plan.instrumentations:
        evidence = "no instrumentation is installed, and no library that has one: only spans made in code appear"
        yield Check("instrumentation-missing", "ok", evidence)
    else:
        yield Check("instrumentation-missing", "ok", "every library that has an instrumentation has it")


def _brought_by_us(found: Mapping[str, Distribution]) -> set[str]:
    """What is there because the exporters need it, such as grpcio: hardly what the application is made of."""
    ours: set[str] = set()
    waiting = [name for name in found if _OURS.match(name)]
    while waiting:
        name = waiting.pop()
        if name in found and name not in ours:
            ours.add(name)
            waiting += [_normal(requirement.name) for requirement in _requirements(found[name])]
    return ours


def _of_this_release(names: list[str], found: Mapping[str, Distribution]) -> list[str]:
    """Those that are published with ``opentelemetry-instrumentation`` need its very version."""
    own = found.get("opentelemetry-instrumentation")
    pinned = {
        requirement.name: f"{requirement.name}{requirement.specifier}" for _, requirement in _known_instrumentations()
    }
    return [pinned.get(name, name) if own is not None else name for name in names]


def _known_instrumentations() -> Iterator[tuple[Requirement, Requirement]]:
    """Library and instrumentation, as ``opentelemetry-bootstrap`` pairs them; nothing where it has no such table."""
    try:
        from opentelemetry.instrumentation.bootstrap_gen import libraries
    except ImportError:
        return
    for pair in libraries:
        yield Requirement(pair["library"]), Requirement(pair["instrumentation"])


def _normal(name: str) -> str:
    """A distribution's name as it is compared (packaging specification, *Name normalization*)."""
    return re.sub(r"[-_.]+", "-", name).lower()

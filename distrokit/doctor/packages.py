"""The checks of installed packages: their versions, distros, libraries and instrumentations."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

from distrokit import instrumentation
from distrokit.declarations import Check
from distrokit.doctor.imports import Imports, application_folders
from distrokit.doctor.libraries import check_libraries
from distrokit.doctor.log_records import check_log_records
from distrokit.doctor.versions import check_versions
from distrokit.launch.distro_selection import CONFIGURATOR, DISTRO, DistroSelection
from distrokit.lazy.entry_point_files import find_attached, normalize
from distrokit.plan.instrumentation_planning import DISABLED
from distrokit.plan.plan import Plan
from distrokit.plugins.distributions import distributions
from distrokit.plugins.distros import DISTRO_GROUP
from distrokit.plugins.entry_points import EntryPoints, distribution_of, version_of
from distrokit.settings.layers import named_by_user


def check_packages(distro_selection: DistroSelection, installed: EntryPoints, plan: Plan) -> Iterator[Check]:
    """Run the checks of packages."""
    found = {normalize(dist.name or ""): dist for dist in distributions()}
    attached = find_attached()
    # The folder's packages were put together when it was built.
    trusted = [name for name, dist in found.items() if attached is not None and attached.owns(dist)]
    yield from check_versions(found, trusted)
    yield _distros(distro_selection, installed, plan)
    yield from _instrumentations(plan)
    yield from check_log_records(found, plan)
    yield from check_libraries(found, plan, Imports(application_folders(sys.orig_argv)))


def _distros(distro_selection: DistroSelection, installed: EntryPoints, plan: Plan) -> Check:
    found = {distribution_of(point) or point.name: version_of(point) for point in installed.group(DISTRO_GROUP)}
    names = ", ".join(f"{name} {version}".strip() for name, version in found.items())
    if not distro_selection.builds:
        evidence = f"{distro_selection.name} configures the process, and distrokit builds nothing (installed: {names})"
        named = (
            DISTRO
            if distro_selection.distro and named_by_user(plan.settings, DISTRO) == distro_selection.distro.name
            else CONFIGURATOR
        )
        return Check("distro", "warn", f"{evidence}; set by {named}", f"unset {named}  # for distrokit")
    if not distro_selection.ours:
        does = "has no configurator: it sets its defaults, and distrokit builds"
        evidence = f"{distro_selection.name} {does} (installed: {names})"
        return Check("distro", "ok", evidence)
    if len(found) > 1:
        ours = plan.distro
        who = "distrokit" if ours.default else f"distro {ours.label}"
        why = "" if ours.default else f": {ours.why}"
        evidence = f"{who} configures the process{why} (installed: {names})"
        if named_by_user(plan.settings, DISTRO):
            return Check("distro", "ok", evidence)
        name = shlex.quote(ours.called or ours.distro.name)
        return Check("distro", "ok", f"{evidence}; to select it explicitly:", f"export {DISTRO}={name}")
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
            remedy = f"Install a version in that range, or set {DISABLED}={item.name}."
            yield Check("instrumentation-range", "warn", f"{name}: {reason}", remedy)
        else:
            missing.append((name, item.distribution))
    for name, item in plan.instrumentations.items():
        for keyword, reason in instrumentation.not_found(item) if item.enabled else ():
            evidence = f"{name}: {keyword} ({item.sources.get(keyword, item.source)}): {reason}"
            yield Check("instrumentation-callable", "warn", evidence, "Write module:attribute; put it on PYTHONPATH.")
    # An attached folder is for many applications, and none has all libraries.
    if missing and find_attached() is None:
        names = ", ".join(name for name, _ in missing)
        evidence = f"not applied, since their libraries are not installed in this environment: {names}"
        remedy = "Install the libraries here, or run your program with the interpreter that has them."
        yield Check("instrumentation-library", "warn", evidence, remedy)
    if fitting:
        yield Check("instrumentations", "ok", f"match the installed libraries: {', '.join(fitting)}")

"""Libraries that the application uses, and whose instrumentation is not installed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import PurePosixPath

from distrokit.declarations import Check
from distrokit.diagnostics import quantity
from distrokit.doctor.imports import Imports
from distrokit.doctor.installer import install_line, keeps_lock_file
from distrokit.doctor.release import Release, format_requirements, requirements_of
from distrokit.doctor.versions import OURS
from distrokit.lazy.entry_point_files import normalize as normal
from distrokit.plan.plan import Plan
from distrokit.plugins.requirements import Requirement, Specifiers

#: In OpenTelemetry's table only because the library that the instrumentation is for needs it.
_BESIDE = ("pydantic",)
LOGGING = "opentelemetry-instrumentation-logging"


def check_libraries(found: Mapping[str, Distribution], plan: Plan, imports: Imports) -> Iterator[Check]:
    """Report libraries that OpenTelemetry can instrument and whose instrumentation is not installed.

    Only libraries that the application uses itself count. A library that another one needs, as flask needs click, is
    named together with that one.

    Args:
        found: the installed distributions by normal name.
        imports: of the application's code.
    """
    missing: dict[str, str] = {}
    ignored: dict[str, str] = {}
    users = Users(found)
    for library, instrumentation in _known():
        name = normal(library.name)
        dist = None if name in _BESIDE else found.get(name)
        if dist is None or not library.specifier.contains(dist.version):
            continue
        if normal(instrumentation.name) in found:
            continue
        where = next(filter(None, map(imports.where, modules_of(dist))), "")
        if where or users.application_uses(name):
            missing.setdefault(instrumentation.name, library.name + (f" ({where} imports it)" if where else ""))
        else:
            ignored[library.name] = _first_and_count(users.of[name])
    rest = ", ".join(f"{library} ({user})" for library, user in sorted(ignored.items()))
    beside = f"; not counted, since only other libraries need them: {rest}" if rest else ""
    if missing:
        evidence = f"no instrumentation is installed for {', '.join(sorted(set(missing.values())))}{beside}"
        yield Check("instrumentation-missing", "warn", evidence, install(missing, found))
    elif not plan.instrumentations:
        evidence = (
            "no instrumentation is installed, and no library that has one: only spans that code starts are recorded"
        )
        yield Check("instrumentation-missing", "ok", evidence + beside)
    else:
        yield Check(
            "instrumentation-missing", "ok", f"the instrumentation of every library that has one is installed{beside}"
        )


def _first_and_count(users: set[str]) -> str:
    # Packages of OpenTelemetry and distrokit come last.
    first, *rest = sorted(users, key=lambda user: (bool(OURS.match(user)), user))
    return f"{first} and {quantity(len(rest), 'other')}" if rest else first


class Users:
    """The installed distributions that need each other.

    Attributes:
        of: the distributions that need one, by its name.
    """

    def __init__(self, found: Mapping[str, Distribution]) -> None:
        self._found = found
        self.of: defaultdict[str, set[str]] = defaultdict(set)
        for name, dist in found.items():
            for requirement in requirements_of(dist):
                self.of[normal(requirement.name)].add(name)
        # pip writes REQUESTED only for what was named; uv and others write it for every distribution.
        self._requested_is_known = any(not _is_requested(found[name]) for name in self.of if name in found)

    def application_uses(self, name: str) -> bool:
        """True if it was installed by name, or the application needs it and is itself an installed distribution."""
        users = self.of[name]
        if not users or (self._requested_is_known and _is_requested(self._found[name])):
            return True
        return any(not OURS.match(user) and _is_from_folder(self._found[user]) for user in users)


def modules_of(dist: Distribution) -> list[str]:
    """Return the modules by which a distribution is imported: ``requests``, ``google.genai``."""
    files = [PurePosixPath(file) for file in dist.files or ()]
    packages = [file.parent for file in files if file.name == "__init__.py"]
    outermost = [one for one in packages if not any(parent in packages for parent in one.parents)]
    alone = [file.with_suffix("") for file in files if len(file.parts) == 1 and file.suffix == ".py"]
    return [".".join(path.parts) for path in (*outermost, *alone)]


def install(names: Iterable[str], found: Mapping[str, Distribution]) -> str:
    """Return the line that installs instrumentations of the installed release, with versions that fit together.

    Each instrumentation needs others of its own patch release, and pip ignores the requirements of what it does not
    install. So the line names the installed distributions as well, and pip finds the patch; a tool that keeps a
    project's lock file resolves all of them anyway.
    """
    release = Release(found)
    if "opentelemetry-instrumentation" not in found:
        return install_line(*names)
    # The table pins those that are released together. Logging is not in it, since it instruments no library.
    pinned = {LOGGING, *(one.name for _, one in _known() if str(one.specifier).startswith("=="))}
    beta = release.ranges.get("beta", Specifiers())
    wanted = {name: beta if name in pinned else Specifiers() for name in names}
    beside = {} if keeps_lock_file() else release.outermost_requirements()
    return install_line(*format_requirements({**beside, **wanted}))


def _known() -> Iterator[tuple[Requirement, Requirement]]:
    """Yield library and instrumentation, as ``opentelemetry-bootstrap`` pairs them; nothing if it has no such table."""
    try:
        from opentelemetry.instrumentation.bootstrap_gen import libraries
    except ImportError:
        return
    for pair in libraries:
        yield Requirement(pair["library"]), Requirement(pair["instrumentation"])


def _is_requested(dist: Distribution) -> bool:
    """True if it was named when it was installed (packaging specification, *The REQUESTED file*)."""
    return dist.read_text("REQUESTED") is not None


def _is_from_folder(dist: Distribution) -> bool:
    """True if it was installed from a local folder or file, as an application is, and not from an index."""
    return '"file:' in (dist.read_text("direct_url.json") or "").replace(" ", "")

"""The entry points of the installed distributions, scanned once per start.

A scan costs milliseconds, and upstream makes nine (opentelemetry-python#3054). The result is passed as an argument, so
that a start can also use another list than the installed one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint

from distrokit.declarations import Declaration
from distrokit.diagnostics import Problem
from distrokit.lazy import triggers as lazy_triggers
from distrokit.lazy.entry_point_files import InstalledFiles, read_installed
from distrokit.plugins.distributions import distributions, entry_points_of, folder_of

#: The group of instrumentations.
INSTRUMENTORS = lazy_triggers.INSTRUMENTORS


class EntryPoints:
    """Entry points by group, in an order that does not depend on the file system.

    Args:
        points: in any order.

    Attributes:
        problems: one for each package whose entry points cannot be read.
    """

    def __init__(self, points: Iterable[EntryPoint] = ()) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._groups: dict[str, list[EntryPoint]] = {}
        #: Those of all distributions, by normalized name; ``None`` if they were not read.
        self._folders: Mapping[str, str] | None = None
        for point in points:
            self._groups.setdefault(point.group, []).append(point)

    @classmethod
    def scan(cls) -> EntryPoints:
        """Read the entry points of the distributions on ``sys.path``; equal group, name and value count once.

        Only distributions that name OpenTelemetry or distrokit are read. A package whose entry points cannot be read
        is ignored, and reported in ``problems``.
        """
        installed = read_installed()
        if installed.complete:
            return cls.of_files(installed)
        points: dict[tuple[str, str, str], EntryPoint] = {}
        problems: list[Problem] = []
        for distribution in distributions():
            for point in entry_points_of(distribution, problems):
                points.setdefault((point.group, point.name, point.value), point)
        found = cls(points.values())
        found.problems = tuple(problems)
        return found

    @classmethod
    def of_files(cls, installed: InstalledFiles) -> EntryPoints:
        """Make them of files that were read already."""
        points: dict[tuple[str, str, str], EntryPoint] = {}
        for file in installed.files:
            distribution = Distribution.at(file.folder)
            for group, pairs in file.groups.items():
                for name, value in pairs:
                    point = EntryPoint(name, value, group)
                    # An entry point refuses assignment; importlib.metadata itself writes to vars().
                    vars(point).update(dist=distribution)
                    points.setdefault((group, name, value), point)
        found = cls(points.values())
        found._folders = installed.names
        return found

    def __iter__(self) -> Iterator[EntryPoint]:
        """Yield all entry points, by group."""
        for name in sorted(self._groups):
            yield from self.group(name)

    def group(self, name: str) -> list[EntryPoint]:
        """Return the entry points of a group, sorted by their name, then by their distribution's."""
        points = self._groups.get(name, [])
        claims = Counter(point.name for point in points)
        # The distribution is only compared between equal names: it is read from a file.
        return sorted(points, key=lambda p: (p.name, distribution_of(p) if claims[p.name] > 1 else "", p.value))

    def triggers(self) -> Callable[[EntryPoint], tuple[str, ...]]:
        """Return a function that finds the modules whose import applies an instrumentation; empty for none."""
        declared = lazy_triggers.declared_triggers((p.name, p.value) for p in self.group(lazy_triggers.AUTHORS))
        folders = self._folders

        def find(point: EntryPoint) -> tuple[str, ...]:
            nonlocal folders
            if folders is None:
                folders = read_installed().names
            folder = folder_of(point.dist) if point.dist else None
            return lazy_triggers.find_triggers(point.name, point.value, str(folder or ""), folders, declared) or ()

        return find

    def without(self, group: str, names: Iterable[str]) -> EntryPoints:
        """Return a copy without the entry points of these names in a group."""
        removed = set(names)
        kept = (p for points in self._groups.values() for p in points if p.group != group or p.name not in removed)
        return EntryPoints(kept)


def distribution_of(point: EntryPoint) -> str:
    """Read the name of the distribution that has an entry point; empty if unknown."""
    return (point.dist.name or "") if point.dist else ""


def version_of(point: EntryPoint) -> str:
    """Read the version of the distribution that has an entry point; empty if unknown."""
    return (point.dist.version or "") if point.dist else ""


def title_of(point: EntryPoint) -> str:
    """Return distribution and version of an entry point, ``flask-otel 1.2``; its value if they are unknown."""
    return f"{distribution_of(point) or point.value} {version_of(point)}".rstrip()


def origin_of(declaration: Declaration) -> str:
    """Return a declaration's ``origin`` as ``distribution version``; empty if it has none."""
    origin = declaration.origin
    return origin if isinstance(origin, str) else f"{distribution_of(origin)} {version_of(origin)}".strip()

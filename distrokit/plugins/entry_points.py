"""The entry points of the installed distributions, scanned once per start.

A scan costs milliseconds and upstream makes nine (opentelemetry-python#3054). Whoever needs one is
handed this; so a start can also be made from another list than the installed one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint

from distrokit.declarations import Declaration
from distrokit.diagnostics import Problem
from distrokit.plugins.distributions import distributions, entry_points_of


class EntryPoints:
    """Entry points by group, in an order that no file system has a say in.

    Args:
        points: in any order.

    Attributes:
        problems: packages whose entry points cannot be read.
    """

    def __init__(self, points: Iterable[EntryPoint] = ()) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._groups: dict[str, list[EntryPoint]] = {}
        for point in points:
            self._groups.setdefault(point.group, []).append(point)

    @classmethod
    def scan(cls) -> EntryPoints:
        """Those of the distributions on ``sys.path``; two that are equal in group, name and value are one.

        A package whose entry points cannot be read costs its own, and is in ``problems``.
        """
        points: dict[tuple[str, str, str], EntryPoint] = {}
        problems: list[Problem] = []
        for distribution in distributions():
            for point in entry_points_of(distribution, problems):
                points.setdefault((point.group, point.name, point.value), point)
        found = cls(points.values())
        found.problems = tuple(problems)
        return found

    def __iter__(self) -> Iterator[EntryPoint]:
        """All of them, by group."""
        for name in sorted(self._groups):
            yield from self.group(name)

    def group(self, name: str) -> list[EntryPoint]:
        """By entry point's name, then by distribution's."""
        points = self._groups.get(name, [])
        claims = Counter(point.name for point in points)
        # Who has it is asked only where the name does not decide: the answer costs reading a file.
        return sorted(points, key=lambda p: (p.name, distribution_of(p) if claims[p.name] > 1 else "", p.value))

    def without(self, group: str, names: Iterable[str]) -> EntryPoints:
        """The same, but for the entry points of these names in a group."""
        gone = set(names)
        kept = (p for points in self._groups.values() for p in points if p.group != group or p.name not in gone)
        return EntryPoints(kept)


def distribution_of(point: EntryPoint) -> str:
    """The name of the distribution that has it; empty when that is not known. Reads its metadata."""
    return (point.dist.name or "") if point.dist else ""


def version_of(point: EntryPoint) -> str:
    """The version of that distribution; empty when it is not known. Reads its metadata."""
    return (point.dist.version or "") if point.dist else ""


def title_of(point: EntryPoint) -> str:
    """The distribution that has it and its version, ``flask-otel 1.2``; where it leads when that is not known."""
    return f"{distribution_of(point) or point.value} {version_of(point)}".rstrip()


def origin_of(declaration: Declaration) -> str:
    """``origin`` as ``distribution version``, however it was given; empty when there is none."""
    origin = declaration.origin
    return origin if isinstance(origin, str) else f"{distribution_of(origin)} {version_of(origin)}".strip()

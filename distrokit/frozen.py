"""What was found once, in a file: a process that is given it scans nothing.

``distrokit freeze`` writes the file, ``DISTROKIT_FROZEN`` names it. It holds the entry points: what a process makes of
them is still its settings' business. That it is out of date is seen by names alone: those of the distributions'
``dist-info`` folders, which have the versions in them. Listing a folder costs a fraction of reading what is in it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from distrokit.diagnostics import Problem, describe_exception
from distrokit.entry_points import EntryPoints, distribution_of, version_of
from distrokit.settings import Settings

SETTING = "DISTROKIT_FROZEN"

#: Version of the shape of the file.
SCHEMA = 1

#: Only these groups are looked at, by distrokit and by OpenTelemetry.
_GROUPS = ("distrokit", "opentelemetry", "_opentelemetry")

_SUFFIX = ".dist-info"


class FrozenDistribution(Distribution):
    """A distribution of which name and version are known; for anything else it is looked up."""

    def __init__(self, name: str, version: str) -> None:
        self._name, self._version = name, version

    @property
    def name(self) -> str:
        """As in the file."""
        return self._name

    @property
    def version(self) -> str:
        """As in the file."""
        return self._version

    def read_text(self, filename: str) -> str | None:
        """From the installed one."""
        try:
            return distribution(self._name).read_text(filename)
        except PackageNotFoundError:
            return None

    def locate_file(self, path: Any) -> Any:
        """In the installed one.

        Raises: ``PackageNotFoundError``.
        """
        return distribution(self._name).locate_file(path)


def find(settings: Settings) -> EntryPoints:
    """The entry points of this process: out of the file that is named, if it fits this environment, else by a scan."""
    named = settings.value(SETTING)
    if named is None or named.source.kind not in ("environment", "code"):
        return EntryPoints.scan()
    try:
        text = Path(named.value).expanduser().read_text(encoding="utf-8")
        found = _thawed(json.loads(text))
    except Exception as error:
        return _scanned(_problem("frozen-unusable", named.value, describe_exception(error)))
    if isinstance(found, str):
        return _scanned(_problem("frozen-stale", named.value, found))
    found.frozen = named.value
    return found


def frozen(installed: EntryPoints, conflicts: Mapping[str, str]) -> dict[str, Any]:
    """The content of the file, but for what only people read.

    Args:
        conflicts: why an instrumentation does not fit, by the value of its entry point; empty when it does.
    """
    return {
        "schema": SCHEMA,
        "python": _python(),
        "distributions": sorted(_distributions()),
        "conflicts": dict(conflicts),
        "entry_points": [
            [point.group, point.name, point.value, distribution_of(point), version_of(point)]
            for point in installed
            if point.group.partition(".")[0].startswith(_GROUPS)
        ],
    }


def _thawed(data: Any) -> EntryPoints | str:
    """The entry points, or in words what has changed since."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']!r}, and this release reads {SCHEMA}")
    if data["python"] != _python():
        return f"it was made with Python {data['python']}, and this is {_python()}"
    now, then = _distributions(), set(data["distributions"])
    if now != then:
        return _difference(now - then, then - now)
    distributions: dict[tuple[str, str], FrozenDistribution] = {}
    points = []
    for group, name, value, owner, version in data["entry_points"]:
        point = EntryPoint(name, value, group)
        if owner:
            # As importlib.metadata does it: an entry point cannot be changed by assignment.
            vars(point)["dist"] = distributions.setdefault((owner, version), FrozenDistribution(owner, version))
        points.append(point)
    found = EntryPoints(points)
    found.conflicts = {str(value): str(why) for value, why in data["conflicts"].items()}
    return found


def _difference(added: Iterable[str], gone: Iterable[str]) -> str:
    parts = []
    for names, what in (added, "installed"), (gone, "gone"):
        listed = sorted(names)
        if listed:
            more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
            parts.append(f"{what} since: {', '.join(listed[:5])}{more}")
    return "; ".join(parts)


def _distributions() -> set[str]:
    """``flask-3.1.0``, of every distribution on ``sys.path``; nothing is opened."""
    found: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208  # half the price of Path objects
        except OSError:
            # A zip archive, or nothing at all.
            continue
        found.update(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return found


def _scanned(problem: Problem) -> EntryPoints:
    installed = EntryPoints.scan()
    installed.problems = (problem,)
    return installed


def _problem(code: str, name: str, cause: str) -> Problem:
    return Problem(
        code=code,
        subject=f"{SETTING}={name}",
        cause=cause,
        outcome="the environment is scanned instead",
        remedy=f"Run `distrokit freeze -o {name}` once more, or unset it.",
        severity="warning",
    )


def _python() -> str:
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"

"""What was found once, in a file: a process that is given it scans nothing.

``distrokit freeze`` writes the file, ``DISTROKIT_FROZEN`` names it. It holds the entry points: what a process makes of
them is still its settings' business. That it is out of date is seen without opening anything: by the names of the
distributions' ``dist-info`` folders, which have the versions in them, and the sizes of the lists of entry points.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, TypeAlias

from distrokit.diagnostics import Problem, describe_exception
from distrokit.plugins.entry_points import EntryPoints, distribution_of, version_of
from distrokit.settings.layers import Settings

SETTING = "DISTROKIT_FROZEN"

#: Version of the shape of the file.
SCHEMA = 1

#: No plugin and no part of OpenTelemetry looks at these, and they are many.
_NOT_THESE = ("console_scripts", "gui_scripts", "pytest11")

#: What an installer leaves of a distribution, now and formerly.
_SUFFIXES = (".dist-info", ".egg-info")

#: By folder of ``sys.path`` the distributions in it: ``flask-3.1.0``, and the size of its list of entry points, in
#: bytes, ``None`` where it has none.
Folders: TypeAlias = "dict[str, dict[str, int | None]]"


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
        "folders": _folders(),
        "conflicts": dict(conflicts),
        "entry_points": [
            [point.group, point.name, point.value, distribution_of(point), version_of(point)]
            for point in installed
            if point.group not in _NOT_THESE
        ],
    }


def _thawed(data: Any) -> EntryPoints | str:
    """The entry points, or in words what has changed since."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']!r}, and this release reads {SCHEMA}")
    if data["python"] != _python():
        return f"it was made with Python {data['python']}, and this is {_python()}"
    changes = _difference(data["folders"], _folders())
    if changes:
        return changes
    distributions: dict[tuple[str, str], FrozenDistribution] = {}
    points = []
    for row in data["entry_points"]:
        group, name, value, owner, version = row
        if not all(isinstance(text, str) for text in row):
            raise TypeError(f"an entry point is five texts, and not {row!r}")
        point = EntryPoint(name, value, group)
        if owner:
            # As importlib.metadata does it: an entry point cannot be changed by assignment.
            vars(point)["dist"] = distributions.setdefault((owner, version), FrozenDistribution(owner, version))
        points.append(point)
    found = EntryPoints(points)
    found.conflicts = {str(value): str(why) for value, why in data["conflicts"].items()}
    return found


def _difference(then: Folders, now: Folders) -> str:
    """In words; empty when there is none."""
    # The program's own folder is on the path of the program, and that of `distrokit` on its own.
    passing = {os.path.realpath(folder or ".") for folder in (*sys.path[:1], ".")}
    added = {d for folder, found in now.items() for d in found if d not in then.get(folder, {})}
    added -= {d for folder in passing - then.keys() for d in now.get(folder, {})}
    gone = {d for folder, found in then.items() for d in found if d not in now.get(folder, {})}
    sizes = [(d, size, now.get(folder, {}).get(d, size)) for folder, found in then.items() for d, size in found.items()]
    changed = {d for d, before, after in sizes if before != after}
    parts = []
    for names, what in (added, "installed since"), (gone, "gone since"), (changed, "with other entry points since"):
        listed = sorted(names)
        if listed:
            more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
            parts.append(f"{what}: {', '.join(listed[:5])}{more}")
    return "; ".join(parts)


def _folders() -> Folders:
    """The distributions of each folder of ``sys.path`` that has any; nothing is opened."""
    found: Folders = {}
    for folder in dict.fromkeys(os.path.realpath(entry or ".") for entry in sys.path):
        try:
            names = os.listdir(folder)  # noqa: PTH208  # half the price of Path objects
        except OSError:
            # A zip archive, or nothing at all.
            continue
        here = {}
        for name in names:
            distribution, suffix = os.path.splitext(name)  # noqa: PTH122  # likewise
            # What pip left behind begins with none of these, and is no distribution.
            if suffix in _SUFFIXES and name[0].isalnum():
                here[distribution] = _size(f"{folder}/{name}/entry_points.txt")
        if here:
            found[folder] = here
    return found


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # likewise
    except OSError:
        return None


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
        remedy=f"Run `distrokit freeze -o {name}` once more, with `-- COMMAND` if need be, or unset it.",
        severity="warning",
    )


def _python() -> str:
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"

"""Reads ``entry_points.txt`` of the installed distributions, without ``importlib.metadata``, whose import costs more.

Format: Python packaging, *Entry points specification*.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from distrokit.attached.finder import AttachedFinder

#: The files that hold a distribution's name and version, in a ``dist-info`` and in an ``egg-info`` folder.
METADATA = ("METADATA", "PKG-INFO")

#: Only files with one of these words in them are kept.
_WORDS = (b"opentelemetry", b"distrokit")


class EntryPointFile:
    """The entry points of one distribution.

    Attributes:
        folder: the path of its ``dist-info`` or ``egg-info`` folder.
        groups: by group: pairs of name and value, in the order of the file.
    """

    def __init__(self, folder: str, groups: dict[str, list[tuple[str, str]]]) -> None:
        self.folder, self.groups = folder, groups


class InstalledFiles:
    """The distributions on a path, as far as file names and ``entry_points.txt`` tell.

    Attributes:
        names: the normalized names of all distributions, each with its folder.
        files: those that have entry points for OpenTelemetry or distrokit.
        complete: false if something on the path can only be read by ``importlib.metadata``: an archive, or a file that
            this process may not read.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.files: list[EntryPointFile] = []
        self.complete = True

    def group(self, name: str) -> list[tuple[str, str]]:
        """Return name and value of all entry points of a group."""
        return [pair for file in self.files for pair in file.groups.get(name, ())]


def read_installed(path: Iterable[str] | None = None) -> InstalledFiles:
    """Read the entry points of the distributions on a path; of equal names the first one counts, as for imports.

    Args:
        path: ``None`` for ``sys.path``, with the packages of an attached folder.
    """
    found = InstalledFiles()
    attached = find_attached()
    if path is not None or attached is None:
        return _add(found, sys.path if path is None else path)
    if attached.folder_first:
        _add_attached(found, attached)
    _add(found, sys.path)
    if not attached.folder_first:
        _add_attached(found, attached)
    return found


def _add(found: InstalledFiles, path: Iterable[str]) -> InstalledFiles:
    for folder in dict.fromkeys(entry or os.curdir for entry in path):
        try:
            names = os.listdir(folder)  # noqa: PTH208  (pathlib is not imported yet)
        except FileNotFoundError:
            continue
        except OSError:
            # An archive, or a folder without permission.
            found.complete = False
            continue
        if folder.endswith(".egg"):
            # Its metadata is in a folder of another name.
            found.complete = False
        here: set[str] = set()
        for name in names:
            if name.endswith((".dist-info", ".egg-info")) and name[0].isalnum():
                normal = normalize(name[: name.rindex(".")].partition("-")[0])
                if normal not in found.names or normal in here:
                    here.add(normal)
                    found.names[normal] = f"{folder}/{name}"
                    _read(f"{folder}/{name}", found)
    return found


def _add_attached(found: InstalledFiles, attached: AttachedFinder) -> None:
    """Add the packages of an attached folder, whose entry points were read when it was built."""
    for normal, folder, groups in attached.packages():
        if normal not in found.names:
            found.names[normal] = folder
            if groups:
                found.files.append(EntryPointFile(folder, groups))


def find_attached() -> AttachedFinder | None:
    """Return what makes the packages of a folder of ``distrokit build`` importable; ``None`` without such a folder."""
    # By its name: the folder has its own copy of the class.
    found = (finder for finder in sys.meta_path if type(finder).__name__ == "AttachedFinder")
    return next(found, None)  # type: ignore[return-value]  # as above


def _read(folder: str, found: InstalledFiles) -> None:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:  # noqa: PTH123  (pathlib is not imported yet)
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        found.complete = False
        return
    try:
        groups = parse(data.decode())
    except ValueError:
        # OpenTelemetry, which reads all files, would fail on it, too.
        found.complete = False
        return
    # Without metadata it is a folder that an interrupted installation left behind.
    if any(word in data for word in _WORDS) and any(os.path.lexists(f"{folder}/{name}") for name in METADATA):
        found.files.append(EntryPointFile(folder, groups))


def parse(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return name and value of each entry point, by group.

    Raises:
        ValueError: a line is neither a group nor an entry point.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    group: list[tuple[str, str]] | None = None
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] == "#":
            continue
        if line[0] == "[" and line[-1] == "]":
            group = groups.setdefault(line[1:-1].strip(), [])
        else:
            name, equals, value = line.partition("=")
            if group is None or not equals:
                raise ValueError(line)
            group.append((name.strip(), value.strip()))
    return groups


def normalize(name: str) -> str:
    """Normalize a distribution's name (Python packaging, *Names and normalization*)."""
    return "-".join(part for part in name.replace("_", "-").replace(".", "-").lower().split("-") if part)


def requirements_of(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the normalized name and the marker of each requirement of a distribution; nothing if it is unreadable."""
    for file_name in METADATA:
        try:
            with open(f"{folder}/{file_name}", "rb") as file:  # noqa: PTH123  (as above)
                head = file.read().partition(b"\n\n")[0].decode("utf-8", "replace")
        except OSError:
            continue
        for line in head.splitlines():
            if line.startswith("Requires-Dist:"):
                requirement, _, marker = line[len("Requires-Dist:") :].partition(";")
                name = requirement.strip()
                for at, letter in enumerate(name):
                    if not (letter.isalnum() or letter in "-_."):
                        name = name[:at]
                        break
                yield normalize(name), marker.strip()
        return


def modules_of(folder: str) -> list[str]:
    """Return the top-level modules of a distribution: of ``top_level.txt``, else of ``RECORD``; empty if unknown."""
    try:
        with open(f"{folder}/top_level.txt", encoding="utf-8") as file:  # noqa: PTH123  (as above)
            listed = file.read().split()
    except (OSError, ValueError):
        listed = []
    if listed:
        return [name for name in listed if name.isidentifier() and not name.startswith("_")] or listed
    found: dict[str, bool] = {}
    try:
        with open(f"{folder}/RECORD", encoding="utf-8") as file:  # noqa: PTH123  (as above)
            for line in file:
                first, slash, rest = line.partition(",")[0].partition("/")
                if slash and first.isidentifier() and rest.endswith((".py", ".so", ".pyd")):
                    # A folder without `__init__.py` is a namespace package, which other distributions share.
                    found[first] = found.get(first, False) or rest == "__init__.py"
                elif not slash and first.endswith(".py"):
                    found[first[:-3]] = True
    except (OSError, ValueError):
        return []
    return [name for name, is_package in found.items() if is_package]

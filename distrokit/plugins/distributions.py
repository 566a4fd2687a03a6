"""The installed distributions in a fixed order, without leftovers of installers; each is read under guard.

:func:`raised_by` names the distribution whose code raised an exception.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint
from importlib.metadata import distributions as all_distributions
from pathlib import Path
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception
from distrokit.lazy.entry_point_files import METADATA, normalize

#: Modules that call other distributions' code; exceptions of that code are not theirs.
_CALLERS = re.compile(
    r"distrokit(\.|$)"
    r"|opentelemetry\.(sdk|util|trace|metrics|_logs|context|propagate|attributes|propagators\.composite)(\.|$)"
    r"|opentelemetry\.instrumentation\.(auto_instrumentation|distro|instrumentor|dependencies|utils)(\.|$)"
)


def distributions() -> Iterator[Distribution]:
    """Yield the distributions on ``sys.path``, each once: Python imports the first one on the path.

    Within one folder of the path they are sorted by name. Folders that pip left behind are skipped.
    """
    found: dict[tuple[int, str], Distribution] = {}
    # Positions of folders in the path, and the first position of each name.
    places: dict[str, int] = {}
    first: dict[str, int] = {}
    for distribution in all_distributions():
        folder = folder_of(distribution)
        place = places.setdefault(str(folder or "").rpartition(os.sep)[0], len(places))
        if folder is not None and is_leftover(folder):
            continue
        name = normalize(_name_of(distribution, folder))
        if first.setdefault(name, place) == place:
            found.setdefault((place, name), distribution)
    for key in sorted(found):
        yield found[key]


def entry_points_of(distribution: Distribution, problems: list[Problem]) -> list[EntryPoint]:
    """Return a distribution's entry points; none if they cannot be read, which ``problems`` receives."""
    folder = folder_of(distribution)
    try:
        found = list(distribution.entry_points)
        if not found and isinstance(folder, Path):
            _check_readable(folder)
        return found
    except BaseException as error:
        contain(error)
        problems.append(
            Problem(
                code="entry-points-unreadable",
                subject=f"package {folder or _name_of(distribution, None) or 'without a name'}",
                cause=f"its entry points cannot be read: {describe_exception(error)}",
                outcome="this package is ignored",
                remedy="Reinstall or uninstall it; remove the folder if no installer knows it.",
                severity="warning",
            )
        )
        return []


def _check_readable(folder: Path) -> None:
    """Raise ``PermissionError`` for files without read permission: importlib.metadata takes them for missing."""
    for path, needed in (folder, os.R_OK | os.X_OK), (folder / "entry_points.txt", os.R_OK):
        if not os.access(path, needed) and os.access(path, os.F_OK):
            raise PermissionError(f"this process may not read {path.name}")


def folder_of(distribution: Distribution) -> Any:
    """Return a distribution's ``dist-info`` folder, a :class:`~pathlib.Path` or its like in an archive, or ``None``."""
    # There is no public attribute for it.
    return getattr(distribution, "_path", None)


def is_leftover(folder: Any) -> bool:
    """Tell whether an interrupted installation left a folder behind: without metadata, or renamed by pip.

    A distribution's name begins with a letter or a digit (packaging specification, *Names and normalization*).
    """
    if not folder.name[:1].isalnum():
        return True
    if not isinstance(folder, Path):
        return not any(folder.joinpath(name).exists() for name in METADATA)
    for name in METADATA:
        try:
            os.stat(f"{folder}/{name}")  # noqa: PTH116  # half the price of Path objects
        except FileNotFoundError:
            continue
        except OSError:
            # An old egg-info is a file; an unreadable folder is reported where it is read.
            return False
        return False
    return True


def _name_of(distribution: Distribution, folder: Any) -> str:
    """Return a distribution's name, from its folder's name where possible: that reads no file."""
    if folder is not None and folder.name.endswith((".dist-info", ".egg-info")):
        return str(folder.name).rpartition(".")[0].partition("-")[0]
    try:
        return distribution.metadata["Name"] or ""
    except Exception:
        return ""


def raised_by(error: BaseException) -> str:
    """Return the distribution whose code raised: ``acme-metrics 1.2, acme/metrics.py line 12``.

    Without a distribution only file and line; empty if distrokit, OpenTelemetry or Python raised.
    """
    walked = traceback.walk_tb(error.__traceback__)
    frames = [(frame.f_globals.get("__name__"), frame.f_code, line) for frame, line in walked]
    others = [
        (code.co_filename, line)
        for module, code, line in frames
        if not _CALLERS.match(str(module)) and not _is_of_python(code.co_filename)
    ]
    if not others:
        return ""
    file, line = others[0]
    try:
        owner, place = _owner_of_file(file)
    except Exception:
        owner, place = "", file
    return f"{f'{owner}, ' if owner else ''}{place} line {line}"


def _is_of_python(file: str) -> bool:
    # Imported late: needed only after an error.
    import sysconfig

    library = sysconfig.get_path("stdlib")
    return file.startswith("<frozen") or (file.startswith(library) and "site-packages" not in file)


def _owner_of_file(file: str) -> tuple[str, str]:
    """Return the distribution that has a file, with its version, empty if none; and the file's path in the folder."""
    for distribution in distributions():
        folder = folder_of(distribution)
        parent = f"{folder.parent}{os.sep}" if isinstance(folder, Path) else ""
        if not parent or not file.startswith(parent):
            continue
        place = file.removeprefix(parent).replace(os.sep, "/")
        if _has_file(distribution, place):
            return f"{distribution.metadata['Name']} {distribution.version}", place
    return "", file


def _has_file(distribution: Distribution, place: str) -> bool:
    listed = distribution.read_text("RECORD") or ""
    if listed:
        return f"\n{place}," in f"\n{listed}"
    # Without a list of files, compare with the modules of its entry points.
    package = place.partition("/")[0].removesuffix(".py")
    return any(
        point.value.partition(":")[0].partition(".")[0] == package for point in entry_points_of(distribution, [])
    )

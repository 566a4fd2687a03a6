"""The installed distributions, in a fixed order, without what an installer left behind; each is read under guard.

And which one of them raised an exception.
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

#: The files that hold a distribution's name and version, in a ``dist-info`` and in an ``egg-info`` folder.
_METADATA = ("METADATA", "PKG-INFO")

#: Modules that call what others publish, and are not to blame for what it raises.
_CALLERS = re.compile(
    r"distrokit(\.|$)"
    r"|opentelemetry\.(sdk|util|trace|metrics|_logs|context|propagate|attributes|propagators\.composite)(\.|$)"
    r"|opentelemetry\.instrumentation\.(auto_instrumentation|distro|instrumentor|dependencies|utils)(\.|$)"
)


def distributions() -> Iterator[Distribution]:
    """Those on ``sys.path``, each once: the first one on the path is the one that is imported.

    Within one folder of the path they come by name. A folder that pip left behind is none.
    """
    found: dict[tuple[int, str], Distribution] = {}
    # Folders of the path by position, and the position at which a name was found first.
    places: dict[str, int] = {}
    first: dict[str, int] = {}
    for distribution in all_distributions():
        folder = folder_of(distribution)
        place = places.setdefault(str(folder or "").rpartition(os.sep)[0], len(places))
        if folder is not None and is_leftover(folder):
            continue
        name = normal_name(_name_of(distribution, folder))
        if first.setdefault(name, place) == place:
            found.setdefault((place, name), distribution)
    for key in sorted(found):
        yield found[key]


def entry_points_of(distribution: Distribution, problems: list[Problem]) -> list[EntryPoint]:
    """Its entry points; none when they cannot be read, which ``problems`` receives."""
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
    """Raise ``PermissionError`` for what may not be read: importlib.metadata takes it for a file that is not there."""
    for path, needed in (folder, os.R_OK | os.X_OK), (folder / "entry_points.txt", os.R_OK):
        if not os.access(path, needed) and os.access(path, os.F_OK):
            raise PermissionError(f"this process may not read {path.name}")


def folder_of(distribution: Distribution) -> Any:
    """Its ``dist-info`` folder, a :class:`~pathlib.Path` or the like of it in an archive; ``None`` when it has none."""
    # No public attribute has it.
    return getattr(distribution, "_path", None)


def is_leftover(folder: Any) -> bool:
    """Whether it is what an interrupted installation left behind: without metadata, or renamed, as pip does it.

    A distribution's name begins with a letter or a digit (packaging specification, *Names and normalization*).
    """
    if not folder.name[:1].isalnum():
        return True
    if not isinstance(folder, Path):
        return not any(folder.joinpath(name).exists() for name in _METADATA)
    for name in _METADATA:
        try:
            os.stat(f"{folder}/{name}")  # noqa: PTH116  # half the price of Path objects
        except FileNotFoundError:
            continue
        except OSError:
            # An egg-info of old is a file; what may not be read is reported where it is read.
            return False
        return False
    return True


def normal_name(name: str) -> str:
    """A distribution's name as it is compared (packaging specification, *Names and normalization*)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name_of(distribution: Distribution, folder: Any) -> str:
    """As its folder has it, which costs no reading; else as its metadata has it."""
    if folder is not None and folder.name.endswith((".dist-info", ".egg-info")):
        return str(folder.name).rpartition(".")[0].partition("-")[0]
    try:
        return distribution.metadata["Name"] or ""
    except Exception:
        return ""


def raised_by(error: BaseException) -> str:
    """Whose code raised it: ``acme-metrics 1.2, acme/metrics.py line 12``; the file where none has it."""
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
    # Here, and not above: it is asked when something has gone wrong.
    import sysconfig

    library = sysconfig.get_path("stdlib")
    return file.startswith("<frozen") or (file.startswith(library) and "site-packages" not in file)


def _owner_of_file(file: str) -> tuple[str, str]:
    """Name and version of the distribution that has this file, empty when none has; and its path inside the folder."""
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
    # Without a list of files: by the modules that its entry points lead to.
    package = place.partition("/")[0].removesuffix(".py")
    return any(
        point.value.partition(":")[0].partition(".")[0] == package for point in entry_points_of(distribution, [])
    )

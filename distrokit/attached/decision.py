"""Decides what a folder does in a process, from what is in the folder and what the application has.

It imports nothing and changes nothing, so that ``distrokit doctor --attached`` can ask for the decision, too.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

#: Do nothing.
ASIDE = "aside"
#: Start distrokit with the folder's OpenTelemetry.
FOLDERS = "folder"
#: Start distrokit with the application's OpenTelemetry.
APPLICATIONS = "application"

API, SDK, INSTRUMENTATION = "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation"
#: The distributions that decide, each with the module that has its version, as a path.
_PARTS = {
    API: "opentelemetry/version",
    SDK: "opentelemetry/sdk/version",
    INSTRUMENTATION: "opentelemetry/instrumentation/version",
}


class Decision:
    """What a folder does in a process.

    Attributes:
        mode: one of :data:`ASIDE`, :data:`FOLDERS` and :data:`APPLICATIONS`.
        reason: why, as the end of a sentence that begins with the name of the folder.
        found: the versions of OpenTelemetry's distributions that the application has; empty for an unknown version.
        offered: the normalized names of the folder's distributions that take part.
    """

    def __init__(self, mode: str, reason: str, found: Mapping[str, str], offered: Iterable[str] = ()) -> None:
        self.mode, self.reason, self.found, self.offered = mode, reason, found, frozenset(offered)


def decide(contents: Mapping[str, Any], path: Iterable[str], loaded: Iterable[str] = ()) -> Decision:
    """Decide for this process.

    Args:
        contents: of the folder, see ``distrokit_build.contents``.
        path: where the application's packages are.
        loaded: the names of the modules that are imported already.
    """
    obstacle = _interpreter_obstacle(contents)
    if obstacle:
        return Decision(ASIDE, obstacle, {})
    found = find_opentelemetry(path)
    supported: Mapping[str, tuple[str, str]] = contents["supported"]
    packages: Mapping[str, Any] = contents["packages"]
    own = {name: packages[name]["version"] for name in _PARTS if name in packages}
    for name, version in found.items():
        # An API alone is replaced, and so is what comes with it.
        counts = SDK in found or (name == API and _release(version) >= _release(supported[API][1]))
        if counts and name in supported and not _is_in(version, supported[name]):
            return Decision(ASIDE, _out_of_range(name, version, supported[name]), found)
    newer = API in found and _release(found[API], 3) > _release(own[API], 3)
    imported = API in found and any(name.startswith("opentelemetry.") for name in loaded)
    if imported and not _is_in(found[API], supported[API]):
        return Decision(ASIDE, f"opentelemetry-api {found[API]} is already imported when Python starts", found)
    if SDK in found or newer or imported:
        title = SDK if SDK in found else API
        reason = f"the application's {title} {found[title]} is used"
        return Decision(APPLICATIONS, reason, found, _offered(packages, found))
    reason = "the application has no OpenTelemetry"
    if API in found:
        reason = f"the application's opentelemetry-api {found[API]} is replaced by {own[API]}"
    return Decision(FOLDERS, f"{reason}, the folder's is used" if API not in found else reason, found, packages)


def _offered(packages: Mapping[str, Any], found: Mapping[str, str]) -> list[str]:
    """Return the folder's distributions that work with those of the application, which come first."""
    offered = {name: package["needs"] for name, package in packages.items() if name not in found}
    while True:
        unfit = [name for name, needs in offered.items() if not all(_has(found, offered, *need) for need in needs)]
        # distrokit needs its base only, which runs with any supported release.
        unfit = [name for name in unfit if name != INSTRUMENTATION]
        if not unfit:
            return list(offered)
        for name in unfit:
            del offered[name]


def _has(found: Mapping[str, str], offered: Mapping[str, object], name: str, specifier: str) -> bool:
    # A later API does what an earlier one does.
    return _fits(found[name], specifier, later=name == API) if name in found else name in offered


def _fits(version: str, specifier: str, *, later: bool) -> bool:
    """Tell whether a version fits what a distribution requires (PEP 440, without its rare forms)."""
    for part in filter(None, specifier.split(",")):
        wanted = part.lstrip("=~><!")
        operator = part[: -len(wanted)]
        has, needs = _release(version, 3), _release(wanted, 3)
        if later and has[:1] == needs[:1] and has >= needs:
            continue
        fits = {
            "==": version == wanted,
            "~=": has >= needs and has[: len(needs) - 1] == needs[:-1],
            ">=": has >= needs,
            "<": has < needs,
            "<=": has <= needs,
            ">": has > needs,
        }
        if not fits.get(operator, True):
            return False
    return True


def find_opentelemetry(path: Iterable[str]) -> dict[str, str]:
    """Return the versions of OpenTelemetry's distributions on a path, the first of each; empty text if unknown."""
    found: dict[str, str] = {}
    for entry in dict.fromkeys(path):
        folder = entry or os.curdir
        read = _read_file if os.path.isdir(f"{folder}/opentelemetry") else _reader_of_archive(folder)  # noqa: PTH112  (pathlib is not imported yet)
        if read is None:
            continue
        for name, module in _PARTS.items():
            if name not in found:
                version = _version(read, folder, module)
                if version is not None:
                    found[name] = version or _version_of_metadata(folder, name)
    return found


def _version(read: Any, folder: str, module: str) -> str | None:
    """Return a version; empty if it cannot be read, ``None`` if the module is not there."""
    for file in (f"{module}/__init__.py", f"{module}.py"):
        text = read(f"{folder}/{file}")
        if text is not None:
            _, found, after = text.partition("__version__")
            quote = after[after.find("=") + 1 :].strip()[:1] if found else ""
            return after.split(quote)[1] if quote in ("'", '"') and quote else ""
    package = f"{folder}/{module.rpartition('/')[0]}"
    # Compiled only.
    here = module.count("/") > 1 and read is _read_file and os.path.isdir(package)  # noqa: PTH112  (as above)
    return "" if here and any(name.startswith("__init__.") for name in os.listdir(package)) else None  # noqa: PTH208


def _read_file(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  (pathlib is not imported yet)
            return file.read()
    except OSError:
        return None


def _reader_of_archive(path: str) -> Any:
    """Return a function that reads the files of a zip archive; ``None`` if the path is none."""
    if not os.path.isfile(path):  # noqa: PTH113  (as above)
        return None
    from zipimport import ZipImportError, zipimporter

    try:
        archive = zipimporter(path)
    except ZipImportError:
        return None

    def read(file: str) -> str | None:
        try:
            return archive.get_data(file).decode("utf-8", "replace")
        except OSError:
            return None

    return read


def _version_of_metadata(folder: str, name: str) -> str:
    begin, end = name.replace("-", "_") + "-", ".dist-info"
    try:
        names = os.listdir(folder)  # noqa: PTH208  (pathlib is not imported yet)
    except OSError:
        return ""
    return next((at[len(begin) : -len(end)] for at in names if at.startswith(begin) and at.endswith(end)), "")


def _release(version: str, parts: int = 2) -> tuple[int, ...]:
    """Return the first numbers of a version: ``(0, 66)`` of ``0.66b1``."""
    numbers = []
    for part in version.split(".")[:parts]:
        digits = len(part) - len(part.lstrip("0123456789"))
        if not digits:
            break
        numbers.append(int(part[:digits]))
    return tuple(numbers)


def _is_in(version: str, bounds: tuple[str, str]) -> bool:
    return bool(version) and _release(bounds[0]) <= _release(version) < _release(bounds[1])


def _out_of_range(name: str, version: str, bounds: tuple[str, str]) -> str:
    has = f"the application has {name} {version}" if version else f"the version of the application's {name} is unknown"
    return f"{has}; this folder works with {name}>={bounds[0]},<{bounds[1]}"


def _interpreter_obstacle(contents: Mapping[str, Any]) -> str:
    served: tuple[str, ...] = contents["served"]
    name = sys.implementation.name
    if name != "cpython":
        return f"{name} is not supported, CPython is"
    if served and this_interpreter() not in served:
        return f"it has native code for {', '.join(served)}, and this is {this_interpreter()}"
    return ""


def this_interpreter() -> str:
    """Return what native code depends on: ``3.12 linux x86_64-linux-gnu``."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    return f"{version} {sys.platform} {getattr(sys.implementation, '_multiarch', '')}".strip()

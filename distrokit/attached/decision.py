"""Decides whether a folder starts distrokit in a process, and whose OpenTelemetry it uses.

It imports no package and changes nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

#: The folder does nothing.
DISABLED = "disabled"
#: distrokit starts with the folder's OpenTelemetry.
FOLDER_FIRST = "folder first"
#: distrokit starts with the application's OpenTelemetry.
APPLICATION_FIRST = "application first"

API, SDK, INSTRUMENTATION = "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation"
#: The distributions that decide, each with the module that has its version, as a path.
_PARTS = {
    API: "opentelemetry/version",
    SDK: "opentelemetry/sdk/version",
    INSTRUMENTATION: "opentelemetry/instrumentation/version",
}


#: The end of a remedy.
_SWITCH_OFF = "set DISTROKIT_ATTACH=0"


class Decision:
    """The mode of a folder in a process.

    Attributes:
        mode: one of :data:`DISABLED`, :data:`FOLDER_FIRST` and :data:`APPLICATION_FIRST`.
        reason: why, as the end of a sentence that begins with the name of the folder.
        remedy: how to enable the folder, as a sentence; empty where it is enabled.
        found: the versions of OpenTelemetry's distributions that the application has; empty for an unknown version.
        visible: the normalized names of the folder's distributions that distrokit uses.
    """

    def __init__(
        self,
        mode: str,
        reason: str,
        remedy: str = "",
        found: Mapping[str, str] | None = None,
        visible: Iterable[str] = (),
    ) -> None:
        self.mode, self.reason, self.remedy = mode, reason, remedy
        self.found, self.visible = found or {}, frozenset(visible)


def decide(contents: Mapping[str, Any], path: Iterable[str], loaded: Iterable[str] = ()) -> Decision:
    """Decide for this process.

    Args:
        contents: of the folder, see ``distrokit_build.contents``.
        path: where the application's packages are.
        loaded: the names of the modules that are imported already.
    """
    refused = _check_interpreter(contents)
    if refused is not None:
        return refused
    found = find_opentelemetry(path)
    if SDK in found:
        return _use_sdk(found, contents)
    packages: Mapping[str, Any] = contents["packages"]
    own = packages[API]["version"]
    imported = any(name.startswith("opentelemetry.") for name in loaded)
    if API in found and (imported or _release(found[API], 3) > _release(own, 3)):
        return _use_api(found, own, packages, imported=imported)
    if API in found:
        reason = f"the application's opentelemetry-api {found[API]} is replaced by {own}"
    else:
        reason = "the application has no OpenTelemetry, the folder's is used"
    return Decision(FOLDER_FIRST, reason, found=found, visible=packages)


def _use_sdk(found: Mapping[str, str], contents: Mapping[str, Any]) -> Decision:
    """Decide for an application with an SDK, which is used if OpenTelemetry's packages are in the supported range."""
    # The SDK first: what makes its release fit changes the others, too.
    for name, version in sorted(found.items(), key=lambda item: item[0] != SDK):
        lowest, above = contents["supported"][name]
        if not version or not _release(lowest) <= _release(version) < _release(above):
            has = f"has {name} {version}" if version else f"has {name} of an unknown version"
            wanted = f"{name}>={lowest},<{above}"
            reason = f"the application {has}; this folder works with {wanted}"
            return Decision(DISABLED, reason, f"Install {wanted}, or {_SWITCH_OFF}.", found)
    reason = f"the application's {SDK} {found[SDK]} is used"
    return Decision(APPLICATION_FIRST, reason, found=found, visible=_find_visible(contents["packages"], found))


def _use_api(found: Mapping[str, str], own: str, packages: Mapping[str, Any], *, imported: bool) -> Decision:
    """Decide for an API alone that cannot be replaced; the folder's SDK runs on its own minor release only."""
    version = found[API]
    if _release(version) == _release(own):
        reason = f"the application's {API} {version} is used"
        return Decision(APPLICATION_FIRST, reason, found=found, visible=_find_visible(packages, found))
    if imported:
        reason = f"{API} {version} is already imported when Python starts, and the folder has {own}"
        return Decision(DISABLED, reason, f"Remove the .pth file that imports it, or {_SWITCH_OFF}.", found)
    reason = f"the application has {API} {version}, which is later than the folder's {own}"
    return Decision(DISABLED, reason, f"Build the folder with {SDK} {version}, or {_SWITCH_OFF}.", found)


def _find_visible(packages: Mapping[str, Any], found: Mapping[str, str]) -> list[str]:
    """Return the folder's distributions that work with those of the application."""
    visible = {name: package["needs"] for name, package in packages.items() if name not in found}
    while True:
        unfit = [name for name, needs in visible.items() if not all(_has(found, visible, *need) for need in needs)]
        # distrokit needs its base only, which runs with any supported release.
        unfit = [name for name in unfit if name != INSTRUMENTATION]
        if not unfit:
            return list(visible)
        for name in unfit:
            del visible[name]


def _has(found: Mapping[str, str], visible: Mapping[str, object], name: str, specifier: str) -> bool:
    # A later API does what an earlier one does.
    return _fits(found[name], specifier, later=name == API) if name in found else name in visible


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
    return "" if here and any(name.startswith("__init__.") for name in os.listdir(package)) else None  # noqa: PTH208  (as above)


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


def _check_interpreter(contents: Mapping[str, Any]) -> Decision | None:
    interpreters: list[str] = contents["interpreters"]
    name = sys.implementation.name
    if name != "cpython":
        return Decision(DISABLED, f"{name} is not supported", f"Run the application with CPython, or {_SWITCH_OFF}.")
    if interpreters and this_interpreter() not in interpreters:
        reason = f"it has native code for {', '.join(interpreters)}, and this is {this_interpreter()}"
        return Decision(DISABLED, reason, f"Build a folder with this Python, or without native code, or {_SWITCH_OFF}.")
    return None


def this_interpreter() -> str:
    """Return what native code depends on: ``3.12 linux x86_64-linux-gnu``."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    return f"{version} {sys.platform} {getattr(sys.implementation, '_multiarch', '')}".strip()

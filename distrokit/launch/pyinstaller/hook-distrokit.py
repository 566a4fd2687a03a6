"""Collects modules that no statement imports, and metadata: of plugins, instrumentations and OpenTelemetry's parts."""

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distributions

from PyInstaller.utils.hooks import collect_entry_point, collect_submodules, copy_metadata

from distrokit.plugins.requirements import Requirement


def _is_read(group: str) -> bool:
    """True if OpenTelemetry or distrokit looks for entry points of this group."""
    return group == "distrokit" or group.startswith(("distrokit.distro", "opentelemetry_"))


def _metadata(name: str, *, recursive: bool) -> list[tuple[str, str]]:
    try:
        found: list[tuple[str, str]] = copy_metadata(name, recursive=recursive)
    except PackageNotFoundError:
        # A library that is not installed here, or is needed on other systems only.
        return []
    return found


def _libraries(distribution: Distribution) -> list[str]:
    """Return the libraries of an instrumentation, which is applied if their metadata has a version that fits."""
    requirements = map(Requirement, distribution.requires or ())
    return [one.name for one in requirements if one.marker is not None and "extra" in str(one.marker)]


# Public names are imported on first use; the package for tests is left out.
hiddenimports = collect_submodules("distrokit", filter=lambda name: not name.startswith("distrokit.testing"))
if sys.version_info >= (3, 11):
    # Imported by its name, which is another one before 3.11.
    hiddenimports.append("tomllib")
datas = _metadata("distrokit", recursive=True)
groups: set[str] = set()
for found in distributions():
    read = {point.group for point in found.entry_points if _is_read(point.group)}
    groups |= read
    if read:
        datas += _metadata(found.name, recursive=True) or _metadata(found.name, recursive=False)
    if "opentelemetry_instrumentor" in read:
        for library in _libraries(found):
            datas += _metadata(library, recursive=False)
for group in sorted(groups):
    files, modules = collect_entry_point(group)
    datas += files
    hiddenimports += modules

"""Refuses names that are in use by installed packages; imports none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, PackageNotFoundError, requires, version

from distrokit import EntryPoints
from distrokit_dev.new.names import Names
from distrokit_dev.new.refusal import Refused

#: Entry-point groups to search, by kind of package.
_GROUPS = {
    "plugin": {"distrokit": "plugin"},
    "distro": {"distrokit": "plugin", "distrokit.distro": "distro", "opentelemetry_distro": "distro"},
}

_ANOTHER = "Choose another name."
_REMEDY = "Choose another name, or uninstall that one first to replace it."


def refuse_taken(names: Names) -> None:
    """Check each of the names.

    Raises: :class:`Refused` if one is in use; the message names the package.
    """
    for what, point in _points(names):
        if point.name.lower().replace("_", "-") == names.own:
            raise Refused(f"the {what} {point.name!r} is already installed, by {_owner(point)}", _REMEDY)
    if f"distrokit-{names.own}" in _own_distributions():
        raise Refused(f"the plugin {names.own!r} is one of distrokit's own, in distrokit-{names.own}", _ANOTHER)
    try:
        raise Refused(
            f"the distribution {names.distribution} is already installed: version {version(names.distribution)}",
            _REMEDY,
        )
    except PackageNotFoundError:
        pass
    found = PathFinder.find_spec(names.module)
    if found is not None:
        where = found.origin or ", ".join(found.submodule_search_locations or ())
        raise Refused(f"the module {names.module} already exists: {where}", _REMEDY)


def _own_distributions() -> set[str]:
    """Return the distributions of distrokit's own plugins, installed or not, from its extras."""
    found = (re.match(r"distrokit-[a-z0-9-]+", line) for line in requires("distrokit") or ())
    return {match[0] for match in found if match}


def _points(names: Names) -> Iterator[tuple[str, EntryPoint]]:
    installed = EntryPoints.scan()
    for group, what in _GROUPS[names.kind].items():
        for point in installed.group(group):
            yield what, point


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value

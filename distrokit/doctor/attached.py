"""The checks of a folder of ``distrokit build`` that is attached to this process."""

from __future__ import annotations

from collections.abc import Iterator

from distrokit.declarations import Check
from distrokit.diagnostics import quantity
from distrokit.lazy.entry_point_files import find_attached

#: Number of packages that are named.
_SHOWN = 5


def check_attached() -> Iterator[Check]:
    """Report what the folder does in this process, and why; yields nothing without a folder."""
    attached = find_attached()
    if attached is None:
        return
    version = attached.contents["distrokit"]
    yield Check("attached", "ok", f"distrokit {version} runs from {attached.root}: {attached.decision.reason}")
    left_out = [name for name in attached.contents["packages"] if not attached.is_visible(name)]
    other = [name for name in left_out if name not in attached.decision.found]
    if other:
        yield Check(
            "attached-packages",
            "warn",
            f"{quantity(len(other), 'package')} of the folder are not used, since they need other versions of"
            f" OpenTelemetry than the application has: {', '.join(other[:_SHOWN])}{', …' if other[_SHOWN:] else ''}",
            "Install the application's own instrumentations, or attach a folder with its release of OpenTelemetry.",
        )

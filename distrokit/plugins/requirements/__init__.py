"""Requirements as packages declare them (packaging specification, *Dependency specifiers*).

The part of ``packaging`` that distrokit needs, with the same names: distrokit depends on pluggy and OpenTelemetry only.
"""

from __future__ import annotations

import re

from distrokit.plugins.requirements.markers import Marker
from distrokit.plugins.requirements.versions import InvalidRequirement, Specifiers, Version

__all__ = ["InvalidRequirement", "Marker", "Requirement", "Specifiers", "Version"]

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>\S+)|\(?(?P<specifier>[^;()]*)\)?)\s*(?:;(?P<marker>.*))?"
)


class Requirement:
    """A requirement on another distribution.

    Raises: :class:`InvalidRequirement`.

    Attributes:
        marker: the condition under which it applies; ``None`` for always.
    """

    def __init__(self, text: str) -> None:
        found = _REQUIREMENT.fullmatch(text.strip())
        if found is None:
            raise InvalidRequirement(f"{text!r} is not a requirement")
        self._text = text.strip()
        self.name = found["name"]
        self.specifier = Specifiers(found["specifier"] or "")
        self.marker = Marker(found["marker"]) if found["marker"] is not None else None

    def __str__(self) -> str:
        return self._text

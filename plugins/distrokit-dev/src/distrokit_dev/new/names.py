"""From the one name that is typed to all the names a package has."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from typing import Literal

from distrokit_dev.new.refusal import Refused

Kind = Literal["plugin", "distro"]

#: A project name (PEP 508), and how it is compared (PEP 503).
_VALID = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_SEPARATORS = re.compile(r"[-_.]+")

#: Longer ones make folders that some file systems do not take.
_LONGEST = 40

#: Words of a distribution's name that say what it is, not whose.
_GENERIC = ("distrokit", "opentelemetry", "otel", "plugin", "distro")

#: What one word becomes: a plugin is found by whom it is for, a distro by whom it is from.
_DISTRIBUTION = {"plugin": "distrokit-{}", "distro": "{}-otel"}


@dataclass(frozen=True)
class Names:
    """The names of one package.

    Attributes:
        kind: what it is.
        own: of the plugin or the distro: ``acme``.
        distribution: what pip installs: ``distrokit-acme``.
        module: what Python imports: ``distrokit_acme``.
    """

    kind: Kind
    own: str
    distribution: str
    module: str

    @property
    def prefix(self) -> str:
        """What its variables begin with: ``ACME``."""
        return self.own.replace("-", "_").upper()


def names(kind: Kind, typed: str) -> Names:
    """All names that follow from the one that was typed.

    Args:
        typed: one word, the plugin's or distro's name; or, with a dash, a distribution's name: what is left of it
            without the words of _GENERIC is the plugin's or distro's.

    Raises: :class:`Refused` for one that cannot be, whatever is installed.
    """
    if not _VALID.fullmatch(typed):
        raise Refused(
            f"{typed!r} is no name for a distribution: it takes letters a-z, digits, and dashes between them",
            f"Try `distrokit new {kind} acme`.",
        )
    if len(typed) > _LONGEST:
        raise Refused(f"{typed!r} has more than {_LONGEST} characters", "Use a shorter name.")
    name = _SEPARATORS.sub("-", typed).lower()
    own = "-".join(word for word in name.split("-") if word not in _GENERIC)
    distribution = name if "-" in name else _DISTRIBUTION[kind].format(name)
    made = Names(kind, own, distribution, distribution.replace("-", "_"))
    if not own:
        raise Refused(
            f"{typed!r} has no word of its own: {', '.join(_GENERIC)} say what it is, not whose",
            f"Try `distrokit new {kind} acme-{name}`.",
        )
    _check(typed, own.replace("-", "_"))
    return made


def _check(typed: str, word: str) -> None:
    remedy = f"Put another word in front, such as acme-{typed}."
    if not word.isidentifier():
        raise Refused(f"{typed!r} cannot be the name of a Python module: {word!r} begins with a digit", remedy)
    if keyword.iskeyword(word):
        raise Refused(f"{typed!r} cannot be the name of a Python module: {word!r} is a keyword", remedy)
    if word in sys.stdlib_module_names:
        raise Refused(f"{typed!r} would be taken for the standard library's module {word!r}", remedy)

"""Derives all names of a package from the one that the user typed."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from typing import Literal

from distrokit_dev.new.refusal import Refused

Kind = Literal["plugin", "distro"]

#: A project name (PEP 508), and its normalization (PEP 503).
_VALID = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_SEPARATORS = re.compile(r"[-_.]+")

#: Maximum length, for file systems with short paths.
_LONGEST = 40

#: Words of a distribution's name that do not identify it.
_GENERIC = ("distrokit", "opentelemetry", "otel", "plugin", "distro")

#: The distribution's name from one word.
_DISTRIBUTION = {"plugin": "distrokit-{}", "distro": "{}-otel"}


@dataclass(frozen=True)
class Names:
    """The names of one package.

    Attributes:
        kind: ``plugin`` or ``distro``.
        own: the name of the plugin or the distro: ``acme``.
        distribution: the name for pip: ``distrokit-acme``.
        module: the name for Python: ``distrokit_acme``.
    """

    kind: Kind
    own: str
    distribution: str
    module: str

    @property
    def prefix(self) -> str:
        """Prefix of its environment variables: ``ACME``."""
        return self.own.replace("-", "_").upper()


def names(kind: Kind, typed: str) -> Names:
    """Derive all names from the typed one.

    Args:
        typed: one word, the name of the plugin or distro; or, with a dash, a distribution's name, which without the
            words of _GENERIC is the name of the plugin or distro.

    Raises: :class:`Refused` for an invalid name.
    """
    if not _VALID.fullmatch(typed):
        raise Refused(
            f"{typed!r} is not a valid name for a distribution: use letters a-z, digits, and dashes between them",
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
            f"{typed!r} has generic words only: {', '.join(_GENERIC)}",
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
        raise Refused(f"{typed!r} conflicts with the standard library's module {word!r}", remedy)

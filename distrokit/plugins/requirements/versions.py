"""Versions in their order, and specifiers such as ``>=1.43,<2`` (packaging specification, *Version specifiers*)."""

from __future__ import annotations

import re
from functools import total_ordering

_VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_number>\d*))?"
    r"(?P<post>-(?P<post_bare>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_SPECIFIER = re.compile(r"(~=|===|==|!=|<=|>=|<|>)\s*([^\s,;]+)")


class InvalidRequirement(ValueError):  # noqa: N818  (packaging's name)
    """The error for a text that is not a requirement, or not a specifier."""


@total_ordering
class Version:
    """A version, in the order of releases.

    Raises: ``ValueError``.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        found = _VERSION.fullmatch(self._text)
        if found is None:
            raise ValueError(f"{text!r} is not a version")
        self.epoch = int(found["epoch"] or 0)
        self.release = tuple(map(int, found["release"].split(".")))
        letter = (found["pre"] or "").lower()
        self.pre = (_PRE.get(letter, letter), int(found["pre_number"] or 0)) if letter else None
        self.post = int(found["post_bare"] or found["post_number"] or 0) if found["post"] else None
        self.dev = int(found["dev_number"] or 0) if found["dev"] else None
        local = re.split(r"[-_.]", found["local"].lower()) if found["local"] else []
        self.local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in local)

    @property
    def base(self) -> tuple[int, tuple[int, ...]]:
        """Epoch and release, without trailing zeros, pre-release and post-release."""
        end = next((at for at in range(len(self.release), 1, -1) if self.release[at - 1]), 1)
        return self.epoch, self.release[:end]

    @property
    def public(self) -> tuple[object, ...]:
        """The key for ordering, without the local part."""
        only_dev = self.pre is None and self.post is None and self.dev is not None
        # A development release comes before the others of its base, and none of them after those.
        pre = (0, "", 0) if only_dev else (2, "", 0) if self.pre is None else (1, *self.pre)
        post = -1 if self.post is None else self.post
        dev = (1, 0) if self.dev is None else (0, self.dev)
        return (*self.base, pre, post, dev)

    @property
    def is_prerelease(self) -> bool:
        """True for pre-releases and development releases."""
        return self.pre is not None or self.dev is not None

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and (self.public, self.local) == (other.public, other.local)

    def __lt__(self, other: Version) -> bool:
        return (self.public, self.local) < (other.public, other.local)

    def __hash__(self) -> int:
        return hash((self.public, self.local))


class Specifiers:
    """Version specifiers such as ``>=1.43,<2``: all must hold; pre-releases count.

    Raises: :class:`InvalidRequirement`.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._parts = [_part(part.strip()) for part in text.split(",") if part.strip()]

    def contains(self, version: str) -> bool:
        """Tell whether a version matches; malformed versions match only an empty specifier and ``===``."""
        if not self._parts:
            return True
        try:
            candidate = Version(version)
        except ValueError:
            return all(sign == "===" and wanted == version for sign, wanted in self._parts)
        return all(
            version.lower() == wanted.lower() if sign == "===" else _holds(candidate, sign, wanted)
            for sign, wanted in self._parts
        )

    def __and__(self, other: Specifiers) -> Specifiers:
        return Specifiers(f"{self._text},{other._text}")

    def __str__(self) -> str:
        return ",".join(sorted(sign + wanted for sign, wanted in self._parts))


def _part(text: str) -> tuple[str, str]:
    found = _SPECIFIER.fullmatch(text)
    if found is None:
        raise InvalidRequirement(f"{text!r} is not a version specifier")
    sign, wanted = found.groups()
    if sign != "===":
        any_of = sign in ("==", "!=") and wanted.endswith(".*")
        try:
            version = Version(wanted.removesuffix(".*") if any_of else wanted)
        except ValueError as error:
            raise InvalidRequirement(str(error)) from error
        short = sign == "~=" and len(version.release) < 2
        plain = (version.pre, version.post, version.dev, version.local) == (None, None, None, ())
        if short or (any_of and not plain) or (version.local and sign not in ("==", "!=")):
            raise InvalidRequirement(f"{text!r} is not a version specifier")
    return sign, wanted


def _holds(candidate: Version, sign: str, text: str) -> bool:
    if sign == "~=":
        wanted = Version(text)
        prefix = ".".join(map(str, wanted.release[:-1]))
        return _holds(candidate, ">=", text) and _holds(candidate, "==", f"{wanted.epoch}!{prefix}.*")
    if text.endswith(".*"):
        return _begins(candidate, Version(text.removesuffix(".*"))) == (sign == "==")
    wanted = Version(text)
    if sign in ("==", "!="):
        # A local part counts if the specifier has one.
        same = candidate == wanted if wanted.local else candidate.public == wanted.public
        return same == (sign == "==")
    if sign in ("<=", ">="):
        return candidate.public <= wanted.public if sign == "<=" else candidate.public >= wanted.public
    if sign == "<":
        # "<1.2" does not match pre-releases of 1.2.
        early = candidate.pre is not None or candidate.dev is not None
        if wanted.post is not None:
            early = (candidate.pre, candidate.post) == (wanted.pre, wanted.post)
        own = early and wanted.pre is None and wanted.dev is None and candidate.base == wanted.base
        return candidate < wanted and not own
    # ">1.2" does not match builds and post-releases of 1.2.
    own_post = wanted.post is None and wanted.dev is None and candidate.post is not None
    same = (candidate.base, candidate.pre) == (wanted.base, wanted.pre)
    return candidate.public > wanted.public and not (own_post and same)


def _begins(candidate: Version, wanted: Version) -> bool:
    """Tell whether a version matches a prefix such as ``1.4.*``."""
    length = len(wanted.release)
    release = (*candidate.release, *[0] * (length - len(candidate.release)))
    return candidate.epoch == wanted.epoch and release[:length] == wanted.release

"""E-mail addresses (RFC 5322, *Addr-Spec*, without comments and quotes; RFC 6531)."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A label ends at a dot, which it cannot contain: so there is one way to match.
_DOMAIN = re.compile(r"(?:@|%40)(?P<labels>[^\W_][\w-]{0,62}(?:\.[^\W_][\w-]{0,62}){1,8})")
# An equals sign belongs to an address that has another one in it: bounce+alice=example.com@mail.example.
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!$%'*+^_~-=")
#: Longest part in front of the at sign.
_LONGEST = 64
#: Users of version control systems, ``git@github.com:acme/shop.git``.
_NOT_PEOPLE = frozenset({"git", "hg", "svn"})
#: Names of images for displays of a higher density, ``icon@2x.png``.
_DENSITY = re.compile(r"[0-9]x")


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of e-mail addresses with a domain that has a dot; also with ``%40`` for the at sign."""
    for found in _DOMAIN.finditer(text):
        length = _length_of_domain(found["labels"])
        start = _start_of_local(text, found.start())
        local = text[start : found.start()].strip(".")
        if length and local and local.lower() not in _NOT_PEOPLE and text[max(start - 3, 0) : start] != "://":
            yield start, found.start("labels") + length


def _length_of_domain(text: str) -> int:
    """Return the length up to the last label that begins as a top-level domain does; 0 if it is no domain."""
    labels = text.split(".")
    # The version of a package, ``lodash@4.17.21``; a domain may begin with one number.
    if _DENSITY.fullmatch(labels[0]) or (labels[0].isdecimal() and labels[1].isdecimal()):
        return 0
    while len(labels) > 1 and not (len(labels[-1]) >= 2 and labels[-1][:2].isalpha()):
        labels.pop()
    return len(".".join(labels)) if len(labels) > 1 else 0


def _start_of_local(text: str, end: int) -> int:
    start = end
    while start > 0 and end - start < _LONGEST and _is_local(text[start - 1]):
        start -= 1
    name, equals, _ = text[start:end].rpartition("=")
    return start + len(name) + 1 if equals and "+" not in name else start


def _is_local(character: str) -> bool:
    return character in _LOCAL if character.isascii() else character.isalnum()

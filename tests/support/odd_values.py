"""Values that an application records and no encoding has a form for."""

from __future__ import annotations


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Shown:
    """An object with a text."""

    def __str__(self) -> str:
        return "shown"


class Unprintable:
    """An object whose text raises."""

    def __str__(self) -> str:
        raise ValueError("no text")

    def __repr__(self) -> str:
        return "<Unprintable>"

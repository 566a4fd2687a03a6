"""The exception for a package that cannot be created."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  (a decision, not an error)
    """The package cannot be created, and nothing was written.

    Args:
        cause: the reason, with names as typed.
        remedy: a sentence.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}. {remedy}")

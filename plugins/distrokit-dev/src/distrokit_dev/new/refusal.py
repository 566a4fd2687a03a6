"""Why nothing is made."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  (a decision, not an error)
    """Nothing was written.

    Args:
        cause: what is in the way, with the names as they were typed.
        remedy: what to do instead.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}. {remedy}")

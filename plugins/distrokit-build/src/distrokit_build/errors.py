"""The errors that a user can mend."""

from __future__ import annotations


class BuildError(Exception):
    """A folder cannot be built; its text is for the user.

    Args:
        cause: what is wrong, in one or more lines.
        remedy: what to do about it.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        # An installer's own words end with a line break.
        super().__init__(f"{cause}{'' if cause.endswith(chr(10)) else '. '}{remedy}")

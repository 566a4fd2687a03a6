"""One pattern of a user."""

from __future__ import annotations

import re
from typing import NamedTuple

#: The group that is redacted; without it, the whole match is.
SECRET_GROUP = "secret"  # noqa: S105  (the name of a group)


class OwnPattern(NamedTuple):
    """A pattern that was checked.

    Attributes:
        name: of the rule.
        regex: compiled.
    """

    name: str
    regex: re.Pattern[str]

    @property
    def group(self) -> int:
        """The number of the group that is redacted; 0 for the whole match."""
        return self.regex.groupindex.get(SECRET_GROUP, 0)

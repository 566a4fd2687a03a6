"""The names of built-in kinds and actions, and a limit; they import nothing, since settings are declared with them."""

from __future__ import annotations

from typing import Literal

#: The built-in kinds of secrets.
KINDS = (
    "cards", "tokens", "url-credentials", "url-parameters", "emails", "ibans", "private-keys", "cloud-keys",
)  # fmt: skip

Action = Literal["mask", "hash", "remove"]
ACTIONS: tuple[Action, ...] = ("mask", "hash", "remove")

#: The lowest limit of the length of a text; the mark at the end of one that was cut has to fit in.
SHORTEST_LIMIT = 256

"""The result of one request, for either transport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

#: Words of receivers, gateways and proxies for a request that is too large.
_SIZE_WORDS = re.compile(
    r"\b(?:larger|bigger) than\b|\btoo (?:large|big)\b"
    r"|\b(?:size|length|bytes|payload|body)\b.{0,80}\bexceed|\bexceed.{0,80}\b(?:size|length|bytes|payload|body)\b"
    r"|\bmust be (?:smaller|less) than\b",
    re.IGNORECASE,
)
#: Other limits, which a request with fewer items does not respect either.
_OTHER_LIMITS = re.compile(
    r"\brate\b|\bquota\b|\bper (?:second|minute|hour|day)\b|/s\b|\bheader|\bmetadata", re.IGNORECASE
)


@dataclass(frozen=True)
class SendResult:
    """The result of one request.

    Attributes:
        verdict: ``taken``: accepted; ``later``: nothing was accepted, and a retry may succeed; ``refused``: a retry is
            of no use; ``too_large``: it must be split; ``unencodable``: the items cannot be encoded; ``unsure``: it was
            sent twice, and no response came.
        cause: why it was not accepted, in a few words.
        wait_seconds: the delay that the receiver asked for before the next attempt; ``None`` without one.
        reached: false when no connection could be made.
        unsure: true when it may have been accepted although no response came.
        rejected: the number of items that the receiver rejected while it accepted the others.
        credentials: true when the receiver did not accept the credentials.
        remark: why it is doubtful that the items were accepted; empty without doubt.
    """

    verdict: Literal["taken", "later", "refused", "too_large", "unencodable", "unsure"]
    cause: str = ""
    wait_seconds: float | None = None
    reached: bool = True
    unsure: bool = False
    rejected: int = 0
    credentials: bool = False
    remark: str = ""


def mentions_size(text: str) -> bool:
    """True if the text of a refusal is about the request's size; receivers use many statuses for that."""
    return bool(_SIZE_WORDS.search(text)) and not _OTHER_LIMITS.search(text)

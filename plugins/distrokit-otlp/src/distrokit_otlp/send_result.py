"""What a receiver answered to one request, whichever transport it came over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

#: How receivers, gateways and proxies say that a request is too large.
_SIZE_WORDS = re.compile(
    r"\b(?:larger|bigger) than\b|\btoo (?:large|big)\b"
    r"|\b(?:size|length|bytes|payload|body)\b.{0,80}\bexceed|\bexceed.{0,80}\b(?:size|length|bytes|payload|body)\b"
    r"|\bmust be (?:smaller|less) than\b",
    re.IGNORECASE,
)
#: Other things with a limit, which get no smaller with fewer items.
_OTHER_LIMITS = re.compile(
    r"\brate\b|\bquota\b|\bper (?:second|minute|hour|day)\b|/s\b|\bheader|\bmetadata", re.IGNORECASE
)


@dataclass(frozen=True)
class SendResult:
    """What one request came to.

    Attributes:
        verdict: ``taken``; ``later``: nothing was taken, and another try may succeed; ``refused``: it will not;
            ``too_large``: it will not in one piece; ``unencodable``: it is none;
            ``unsure``: it was sent twice, and never answered.
        cause: why it was not taken, in a few words.
        wait_seconds: how long the receiver asked to be left alone; ``None`` when it did not say.
        reached: false when no connection could be made.
        unsure: whether it may have been taken all the same: it was sent, and no answer came.
        rejected: how many of its items a receiver that took the rest did not take.
        remark: why it is doubtful that they were taken all the same; empty when it is not.
    """

    verdict: Literal["taken", "later", "refused", "too_large", "unencodable", "unsure"]
    cause: str = ""
    wait_seconds: float | None = None
    reached: bool = True
    unsure: bool = False
    rejected: int = 0
    remark: str = ""


def mentions_size(text: str) -> bool:
    """Return true if the words of a refusal are about the size of the request; receivers use many statuses for it."""
    return bool(_SIZE_WORDS.search(text)) and not _OTHER_LIMITS.search(text)


def read_partial_success(message: Any) -> tuple[int, str]:
    """Of a response message (OTLP, "Partial Success"): how many items were rejected, and the receiver's words."""
    found = getattr(message, "partial_success", None)
    if found is None:
        return 0, ""
    rejected = sum(getattr(found, field.name) for field in found.DESCRIPTOR.fields if field.name != "error_message")
    return max(0, int(rejected)), str(found.error_message)

"""What a receiver answered to one item, and what that means for whoever set this up."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.mismatch import detect_mismatch
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.route import Route

#: Of an answer's text, in characters, as evidence.
EVIDENCE_LENGTH = 200
RECEIVER_LOG_REMEDY = "Look into the receiver's own log."

#: What says that there was no success, but not why.
_NO_CAUSE = re.compile(r"max retries or shutdown|Shutdown in progress")


class ResponseProbe(ABC):
    """Watches one exporter.

    Args:
        options: what it is made with.
        route: ``None`` for a Unix socket.
        remedies: what to change.
    """

    def __init__(self, options: ExporterOptions, route: Route | None, remedies: Remedies) -> None:
        self.options, self.route, self.remedies = options, route, remedies

    @abstractmethod
    def make_exporter(self) -> Any:
        """The exporter, as the plan makes it, and what it is answered is kept."""

    @abstractmethod
    def describe_failure(self) -> tuple[str, str] | None:
        """What was answered, and what to do, when it was no success; ``None`` when nothing is known."""

    @abstractmethod
    def describe_rejection(self) -> str:
        """What of a success was not taken after all; empty when all was."""

    def judge(self, sent: Sent) -> Check:
        """Of what was sent."""
        what = f"{self.options.name} {self.options.signal}: {self.route.place if self.route else self.options.endpoint}"
        if sent.ok:
            rejected = self.describe_rejection()
            if rejected:
                return Check(
                    "otlp-answer",
                    "fail",
                    f"{what} took the request and rejected the item: {rejected}",
                    RECEIVER_LOG_REMEDY,
                )
            return Check("otlp-answer", "ok", f"{what} took an item in {sent.seconds * 1000:.0f} ms")
        text, remedy = self.describe_mismatch() or self.describe_failure() or self._describe_unknown(sent)
        return Check("otlp-answer", "fail", f"{what} {text}", remedy)

    @property
    def credentials_remedy(self) -> str:
        """The line that gives other ones."""
        return self.remedies.change("headers", "'authorization=Bearer%20…'")

    @property
    def proxy_hint(self) -> str:
        """Words about a proxy."""
        return self.route.proxy_hint if self.route else ""

    def _describe_unknown(self, sent: Sent) -> tuple[str, str]:
        causes = [message for message in sent.messages if not _NO_CAUSE.search(message)] or list(sent.messages)
        why = " ".join(causes[-1].split())[: 2 * EVIDENCE_LENGTH] if causes else "the exporter does not say why"
        return f"took nothing within {sent.seconds:.1f} seconds{self.proxy_hint}: {why}", RECEIVER_LOG_REMEDY

    def describe_mismatch(self) -> tuple[str, str] | None:
        """Another protocol than ours is spoken there."""
        route = self.route
        if route is None or route.proxy:
            return None
        return detect_mismatch(route, str(self.options.arguments.get("protocol")), self.remedies)

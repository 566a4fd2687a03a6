"""What a receiver answered to one item, and what that means for whoever set this up."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.mismatch import foreign
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.route import Route

#: Of an answer's text, in characters, as evidence.
SHOWN = 200
ITS_LOG = "Look into the receiver's own log."

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
    def watched(self) -> Any:
        """The exporter, as the plan makes it, and what it is answered is kept."""

    @abstractmethod
    def refusal(self) -> tuple[str, str] | None:
        """What was answered, and what to do, when it was no success; ``None`` when nothing is known."""

    @abstractmethod
    def rejected(self) -> str:
        """What of a success was not taken after all; empty when all was."""

    def verdict(self, sent: Sent) -> Check:
        """Of what was sent."""
        what = f"{self.options.name} {self.options.signal}: {self.route.place if self.route else self.options.endpoint}"
        if sent.ok:
            rejected = self.rejected()
            if rejected:
                return Check(
                    "otlp-answer", "fail", f"{what} took the request and rejected the item: {rejected}", ITS_LOG
                )
            return Check("otlp-answer", "ok", f"{what} took an item in {sent.seconds * 1000:.0f} ms")
        said, remedy = self.foreign() or self.refusal() or self._unknown(sent)
        return Check("otlp-answer", "fail", f"{what} {said}", remedy)

    @property
    def credentials(self) -> str:
        """The line that gives other ones."""
        return self.remedies.change("headers", "'authorization=Bearer%20…'")

    @property
    def through(self) -> str:
        """Words about a proxy."""
        return self.route.through if self.route else ""

    def _unknown(self, sent: Sent) -> tuple[str, str]:
        told = [message for message in sent.messages if not _NO_CAUSE.search(message)] or list(sent.messages)
        why = " ".join(told[-1].split())[: 2 * SHOWN] if told else "the exporter does not say why"
        return f"took nothing within {sent.seconds:.1f} seconds{self.through}: {why}", ITS_LOG

    def foreign(self) -> tuple[str, str] | None:
        """Another protocol than ours is spoken there."""
        route = self.route
        if route is None or route.proxy:
            return None
        return foreign(route, str(self.options.arguments.get("protocol")), self.remedies)

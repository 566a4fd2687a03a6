"""Turns the response to one test item into a check for ``distrokit doctor``."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.credentials.options import credentials_parameter
from distrokit_otlp.diagnosis.mismatch import detect_mismatch
from distrokit_otlp.diagnosis.route import Route
from distrokit_otlp.factory import make_exporter
from distrokit_otlp.remedies import Remedies

#: Length of a response's text in the evidence, in characters.
EVIDENCE_LENGTH = 200
RECEIVER_LOG_REMEDY = "Check the receiver's own log."

#: Messages that report a failure without its cause.
_NO_CAUSE = re.compile(r"max retries or shutdown|Shutdown in progress")


class ResponseProbe(ABC):
    """Sends one item through an exporter and explains the response.

    Args:
        options: the exporter's options.
        route: the way to the receiver; ``None`` for a Unix socket.
        remedies: the exporter's settings to change.

    Attributes:
        responses: of the receiver, as the transport gives them.
    """

    def __init__(self, options: ExporterOptions, route: Route | None, remedies: Remedies) -> None:
        self.options, self.route, self.remedies = options, route, remedies
        self.responses: list[Any] = []
        self.exporter = make_exporter(options)
        # Import time must not count as the receiver's time.
        self._sender = self.exporter.sender.get()
        self.exporter.sender.on_response = self.responses.append

    @abstractmethod
    def describe_failure(self) -> tuple[str, str] | None:
        """Return evidence and remedy for a failure; ``None`` when no response came."""

    @abstractmethod
    def describe_rejection(self) -> str:
        """Return why a successful request's item was rejected; empty when it was accepted."""

    def judge(self, sent: Sent) -> Check:
        """Return the check for the item that was sent."""
        what = f"{self.options.name} {self.options.signal}: {self.route.place if self.route else self.options.endpoint}"
        if sent.ok:
            rejected = self.describe_rejection()
            if rejected:
                return Check(
                    "otlp-answer",
                    "fail",
                    f"{what} accepted the request and rejected the item: {rejected}",
                    RECEIVER_LOG_REMEDY,
                )
            return Check(
                "otlp-answer", "ok", f"{what} took an item in {sent.seconds * 1000:.0f} ms{self._answered_by()}"
            )
        text, remedy = (
            self.describe_mismatch()
            or self.describe_failure()
            or self.describe_unconnected()
            or self._describe_unknown(sent)
        )
        return Check("otlp-answer", "fail", f"{what} {text}", remedy)

    @property
    def credentials_remedy(self) -> str:
        """The line that sets other credentials."""
        parameter = credentials_parameter(self.options)
        if parameter == "headers":
            return self.remedies.change("headers", "'authorization=Bearer%20…'")
        return f"Write credentials that it accepts into {self.options.arguments[parameter]}."

    @property
    def proxy_hint(self) -> str:
        """A note about the proxy; empty without one."""
        return self.route.proxy_hint if self.route else ""

    def _answered_by(self) -> str:
        """Return which of several addresses has answered; empty for a single one."""
        address = self._sender.chosen_address
        return f" (answered by {address.place})" if address else ""

    def describe_unconnected(self) -> tuple[str, str] | None:
        """Return evidence and remedy when no connection was made, or nothing answered; else ``None``."""
        result = self._sender.last_failure
        if result is None:
            return None
        if "no answer in time" in result.cause:
            return "accepts connections, but did not answer", RECEIVER_LOG_REMEDY
        if result.reached:
            return None
        return f"cannot be reached{self.proxy_hint}: {result.cause}", f"Correct {self.remedies.place('endpoint')}."

    def _describe_unknown(self, sent: Sent) -> tuple[str, str]:
        causes = [message for message in sent.messages if not _NO_CAUSE.search(message)] or list(sent.messages)
        why = " ".join(causes[-1].split())[: 2 * EVIDENCE_LENGTH] if causes else "the exporter does not say why"
        return f"accepted nothing within {sent.seconds:.1f} seconds{self.proxy_hint}: {why}", RECEIVER_LOG_REMEDY

    def describe_mismatch(self) -> tuple[str, str] | None:
        """Return evidence and remedy when the receiver speaks another protocol; else ``None``."""
        route = self.route
        if route is None or route.proxy:
            return None
        return detect_mismatch(route, str(self.options.arguments.get("protocol")), self.remedies)

"""The base of the transports, and what follows when a receiver does not accept the credentials."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from distrokit_otlp.connection.target import Address
from distrokit_otlp.credentials.header_rules import describe_without_header
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.send_result import SendResult

#: Seconds from the first refusal of credentials or certificates that worked before: they are probably being renewed,
#: on either side, and the batch waits for that.
RENEWAL_TIME = 60.0


class Sender(ABC):
    """A transport."""

    @abstractmethod
    def send(self, request: bytes, seconds: float) -> SendResult:
        """Send an encoded request and return the result within ``seconds``; never raises."""

    @abstractmethod
    def close(self) -> None:
        """Close connections; a request under way is cancelled."""

    @abstractmethod
    def forked(self) -> None:
        """Abandon the parent's connection in a forked child; a new one is opened when needed."""

    def prepare(self) -> SendResult | None:
        """Import what requests need; return the result of a request that cannot be sent, ``None`` if it can be."""
        return None

    def before_fork(self) -> None:  # noqa: B027  # most transports need nothing
        """Block new requests, and wait briefly for one under way, where a fork must not interrupt it."""

    def forked_in_parent(self) -> None:  # noqa: B027  # most transports need nothing
        """Allow requests again."""


class HeaderSender(Sender):
    """Base of the transports that send headers, which may change.

    Args:
        headers: the headers of each request.
        diagnosis: explains failed connections.

    Attributes:
        on_response: called with each response, as the transport gives it; ``None`` for no callback.
        last_failure: the result of the last request, if it was not taken; else ``None``.
        chosen_address: of several addresses, the one of the last request; ``None`` before it, for a single address, and
            where a library selects it.
    """

    def __init__(self, headers: LiveHeaders, diagnosis: Diagnosis) -> None:
        self._headers, self._diagnosis = headers, diagnosis
        self.on_response: Callable[[Any], None] | None = None
        self.last_failure: SendResult | None = None
        self.chosen_address: Address | None = None
        # When credentials or certificates that had worked were first refused; 0 while they work.
        self._worked, self._refused_since = False, 0.0

    @abstractmethod
    def pack(self, request: bytes) -> Any:
        """Return the request as the transport sends it, compressed."""

    @abstractmethod
    def send_packed(self, packed: Any, deadline: float) -> SendResult:
        """Send a request with the current headers; may raise anything for a request that cannot be sent.

        Args:
            packed: the result of :meth:`pack`.
            deadline: on the clock of :func:`time.monotonic`.
        """

    def send(self, request: bytes, seconds: float) -> SendResult:
        deadline = time.monotonic() + max(0.001, seconds)
        try:
            packed = self.pack(request)
            result = self.send_packed(packed, deadline)
            if result.credentials and self._headers.reload():
                # They were renewed, without a sign that the file has changed.
                result = self.send_packed(packed, deadline)
        except Exception as error:
            # For example a header that grpcio rejects, or a plugin's auth that raises.
            result = SendResult("refused", describe_without_header(error))
        if result.credentials:
            result = self.wait_for_renewal(result)
        result = replace(result, cause=self._headers.mask(result.cause))
        taken = result.verdict == "taken"
        self.last_failure = None if taken else result
        if taken:
            self._worked, self._refused_since = True, 0.0
        return result

    def wait_for_renewal(self, result: SendResult) -> SendResult:
        """Return ``later`` in place of a refusal for a while, if what is refused may be being renewed.

        That is: credentials or certificates that have worked before, and files that are not there yet.
        """
        if result.verdict != "refused":
            return result
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        renewable = self._worked and (self._headers.live or not result.credentials)
        renewable = renewable or (result.credentials and self._headers.waiting)
        if renewable and now - self._refused_since < RENEWAL_TIME:
            return replace(result, verdict="later")
        return result

    def notify(self, response: Any) -> None:
        """Call :attr:`on_response`."""
        if self.on_response is not None:
            self.on_response(response)

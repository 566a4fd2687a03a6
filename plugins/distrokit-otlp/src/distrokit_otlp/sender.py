"""Sends requests over connections of our own, and decides what follows from a failure.

Every transport of this kind differs only in one exchange over one connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Generic, TypeVar

from distrokit_otlp.connection.connections import Connection, Connections, NoAddressLeftError
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import ConnectionFailure, is_final
from distrokit_otlp.connection.target import Address
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.exporter import Sender
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.tls.context import TlsContext

#: Seconds that a fork waits for another thread's TLS handshake or name resolution.
_FORK_WAIT = 0.25
#: Seconds from the first refusal of credentials or certificates that worked before: they are probably being renewed,
#: on either side, and the batch waits for that.
RENEWAL_TIME = 60.0
#: New connections for one request that a receiver did not begin to process.
_FRESH_CONNECTIONS = 3

_C = TypeVar("_C", bound=Connection)


class NotProcessed(Exception):  # noqa: N818  # a result, not an error
    """The receiver closed a connection or stream before it processed the request, and says so."""


class ConnectedSender(Sender, Generic[_C]):
    """Base of the transports over connections of our own.

    Args:
        connections: the connections to the receiver.
        connector: what opens them.
        headers: the headers of each request.
        tls: the TLS context of the connections.
        diagnosis: explains failed connections; ``None`` for no explanation.

    Attributes:
        chosen_address: of several addresses, the one of the last request; ``None`` before it, and for a single address.
        last_failure: the result of the last request, if it was not taken; else ``None``.
    """

    def __init__(
        self,
        connections: Connections[_C],
        connector: Connector,
        headers: LiveHeaders,
        tls: TlsContext,
        diagnosis: Diagnosis | None,
    ) -> None:
        self._connections, self._connector, self._headers = connections, connector, headers
        self._tls, self._diagnosis = tls, diagnosis
        # When credentials or certificates that had worked were first refused; 0 while they work.
        self._worked, self._refused_since = False, 0.0
        self.chosen_address: Address | None = None
        self.last_failure: SendResult | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def exchange(self, connection: _C, request: Any, deadline: float) -> SendResult:
        """Send a request over a connection and judge the response.

        Raises: ``NotProcessed``; ``OSError`` for a connection that broke.
        """

    @abstractmethod
    def pack(self, request: bytes) -> Any:
        """Return the request as the transport sends it, compressed."""

    @abstractmethod
    def describe_error(self, error: Exception) -> str:
        """Return the message for a connection that broke."""

    def send(self, request: bytes, seconds: float) -> SendResult:
        deadline = time.monotonic() + max(0.001, seconds)
        # Processors of the kind "simple" export in the application's threads; a connection serves one at a time.
        if not self._lock.acquire(timeout=max(0.001, seconds)):
            return SendResult("later", "the request before it took all the time")
        try:
            result = self._send(self.pack(request), deadline)
        except Exception as error:
            # For example a hook's auth that raises.
            return SendResult("refused", describe_without_header(error))
        finally:
            self._connections.release()
            self._lock.release()
        result = replace(result, cause=self._headers.mask(result.cause))
        self.last_failure = None if result.verdict == "taken" else result
        if result.verdict == "taken":
            self._worked, self._refused_since = True, 0.0
        return result

    def _send(self, request: Any, deadline: float) -> SendResult:
        """Try the addresses one after the other, as long as the request was certainly not accepted."""
        excluded: set[Address] = set()
        result: SendResult | None = None
        fresh, reloaded = _FRESH_CONNECTIONS, False
        while True:
            try:
                connection = self._connections.get(deadline, excluded)
            except NoAddressLeftError:
                return result or SendResult("later", "no address is left", reached=False)
            except ConnectionFailure as failure:
                return result or self._unconnected(failure, deadline)
            address = connection.address
            several = self._connections.count_addresses() > 1
            self.chosen_address = address if several else None
            begin = time.monotonic()
            try:
                result = self.exchange(connection, request, deadline)
            except NotProcessed as error:
                self._connections.discard(address)
                result, fresh = SendResult("later", str(error)), fresh - 1
                again = bool(fresh) and not several
            except OSError as error:
                self._connections.avoid(address, time.monotonic() - begin)
                return self._broken(error, deadline, sent_whole=connection.sent_whole)
            else:
                self._answered(address, result, time.monotonic() - begin)
                again = False
            if result.credentials and not reloaded:
                # They may have been renewed since, without a sign that the file has changed.
                again = reloaded = self._headers.reload()
            elif several and _is_busy(result) and not again:
                self._connections.avoid(address)
                excluded.add(address)
                again = True
            if not again or time.monotonic() >= deadline:
                return self._wait_for_renewal(result) if result.credentials else result

    def _answered(self, address: Address, result: SendResult, seconds: float) -> None:
        if self._diagnosis is not None:
            self._diagnosis.reset()
        if result.verdict == "later" and result.unsure and self.chosen_address:
            # It let the time pass, and says so, or a proxy does for it: the next attempt goes to another address.
            self._connections.avoid(address, seconds)
        else:
            self._connections.succeeded(address)

    def _unconnected(self, failure: ConnectionFailure, deadline: float) -> SendResult:
        """Return the result for a request that found no connection."""
        if not failure.final:
            return self._explain(SendResult("later", str(failure), reached=failure.reached), deadline)
        return self._refused_by_tls(SendResult("refused", str(failure), reached=False), deadline)

    def _broken(self, error: OSError, deadline: float, *, sent_whole: bool) -> SendResult:
        """Return the result for a connection that broke during the request."""
        if is_final(error):
            return self._refused_by_tls(SendResult("refused", self.describe_error(error)), deadline)
        return self._explain(SendResult("later", self.describe_error(error), unsure=sent_whole), deadline)

    def _refused_by_tls(self, result: SendResult, deadline: float) -> SendResult:
        """Return the result for a certificate that one side does not accept."""
        with contextlib.suppress(Exception):
            if self._tls.refresh():
                return replace(result, verdict="later", cause=self._explained(result.cause, deadline))
        if self._tls.fault:
            # A renewal that is not complete.
            return replace(result, verdict="later", cause=self._tls.fault, reached=False)
        return self._wait_for_renewal(self._explain(result, deadline))

    def _wait_for_renewal(self, result: SendResult) -> SendResult:
        """Return ``later`` in place of a refusal for a while, if credentials and certificates have worked before."""
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        # Files that are not there yet, or that may be renewed.
        renewable = self._worked and (self._headers.live or not result.credentials)
        if (
            (renewable or (result.credentials and self._headers.waiting))
            and result.verdict == "refused"
            and now - self._refused_since < RENEWAL_TIME
        ):
            return replace(result, verdict="later")
        return result

    def _explain(self, result: SendResult, deadline: float) -> SendResult:
        return replace(result, cause=self._explained(result.cause, deadline))

    def _explained(self, cause: str, deadline: float) -> str:
        if self._diagnosis is None or self._connections.closed:
            return cause
        return self._diagnosis.explain(cause, deadline - time.monotonic())

    def close(self) -> None:
        self._connections.close()

    def forked(self) -> None:
        self._lock = threading.Lock()
        self._connections.forked()
        self._connector.forked()

    def before_fork(self) -> None:
        self._connector.before_fork(_FORK_WAIT)

    def forked_in_parent(self) -> None:
        self._connector.forked_in_parent()


def _is_busy(result: SendResult) -> bool:
    """True if a receiver has not accepted a request, and did not ask to wait."""
    return result.verdict == "later" and not result.unsure and result.wait_seconds is None


def describe_without_header(error: Exception) -> str:
    """Return an exception's text, but not that of an invalid header, which contains the value."""
    if isinstance(error, ValueError) and str(error).startswith("Invalid header"):
        return f"{type(error).__name__}: a request header is invalid"
    return f"{type(error).__name__}: {error}"

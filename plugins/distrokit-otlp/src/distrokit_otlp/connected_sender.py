"""The base of the transports over connections of our own: selects an address, and decides what follows from a failure.

Such transports differ only in one exchange over one connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Generic, TypeVar

from distrokit import ExporterOptions
from distrokit_otlp.connection.connections import Connection, Connections, NoAddressLeftError
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import ConnectionFailure, is_final
from distrokit_otlp.connection.options import balancing_of, target_for
from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.credentials.live_headers import LiveHeaders
from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import HeaderSender
from distrokit_otlp.tls.context import TlsContext

#: Seconds that a fork waits for another thread's TLS handshake or name resolution.
_FORK_WAIT = 0.25
#: New connections for one request that a receiver did not begin to process.
_FRESH_CONNECTIONS = 3

_C = TypeVar("_C", bound=Connection)


class NotProcessed(Exception):  # noqa: N818  # a result, not an error
    """The receiver closed a connection or stream before it processed the request, and reports that."""


class ConnectedSender(HeaderSender, Generic[_C]):
    """Base of the transports over connections of our own.

    Args:
        options: the exporter's options.
        headers: the headers of each request.
        tls: the TLS context of the connections.

    Attributes:
        target: the receiver.
    """

    def __init__(self, options: ExporterOptions, headers: LiveHeaders, tls: TlsContext) -> None:
        super().__init__(headers, Diagnosis(options))
        self._tls, self.target = tls, target_for(options)
        self._connector = Connector(self.target, tls.current, grpc=options.arguments.get("protocol") == "grpc")
        self._connections = Connections(self._connector, self.connect, **balancing_of(options))
        self._lock = threading.Lock()

    @abstractmethod
    def connect(self, socket: TimedSocket, address: Address, proxy: Proxy | None) -> _C:
        """Return the transport's connection over an open socket. Raises ``ConnectionFailure``."""

    @abstractmethod
    def exchange(self, connection: _C, packed: Any, deadline: float) -> SendResult:
        """Send a request over a connection and judge the response.

        Raises: ``NotProcessed``; ``OSError`` for a connection that broke.
        """

    @abstractmethod
    def describe_error(self, error: Exception) -> str:
        """Return the message for a connection that broke."""

    def send(self, request: bytes, seconds: float) -> SendResult:
        deadline = time.monotonic() + max(0.001, seconds)
        # Processors of the kind "simple" export in the application's threads; a connection serves one at a time.
        if not self._lock.acquire(timeout=max(0.001, seconds)):
            return SendResult("later", "the previous request used up the time")
        try:
            return super().send(request, deadline - time.monotonic())
        finally:
            self._connections.release()
            self._lock.release()

    def send_packed(self, packed: Any, deadline: float) -> SendResult:
        """Try the addresses one after the other, as long as the request was certainly not accepted."""
        excluded: set[Address] = set()
        result: SendResult | None = None
        fresh = _FRESH_CONNECTIONS
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
                result = self.exchange(connection, packed, deadline)
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
            if several and _is_busy(result):
                self._connections.avoid(address)
                excluded.add(address)
                again = True
            if not again or time.monotonic() >= deadline:
                return result

    def _answered(self, address: Address, result: SendResult, seconds: float) -> None:
        self._diagnosis.reset()
        if result.verdict == "later" and result.unsure and self.chosen_address:
            # It let the time pass and reports that, or a proxy does for it: the next attempt goes to another address.
            self._connections.avoid(address, seconds)
        else:
            self._connections.succeeded(address)

    def _unconnected(self, failure: ConnectionFailure, deadline: float) -> SendResult:
        """Return the result for a request that found no connection."""
        if not failure.final:
            return self._explain(SendResult("later", str(failure), reached=False), deadline)
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
                return self._explain(replace(result, verdict="later"), deadline)
        if self._tls.fault:
            # A renewal that is not complete.
            return replace(result, verdict="later", cause=self._tls.fault, reached=False)
        return self.wait_for_renewal(self._explain(result, deadline))

    def _explain(self, result: SendResult, deadline: float) -> SendResult:
        if self._connections.closed:
            return result
        return replace(result, cause=self._diagnosis.explain(result.cause, deadline - time.monotonic()))

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

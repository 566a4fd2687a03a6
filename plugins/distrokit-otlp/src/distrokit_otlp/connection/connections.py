"""The connections of one exporter: which address the next request goes to, and how long a connection lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import ConnectionFailure, describe
from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.randomness import jitter
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket

#: Seconds until an address that failed is tried again while others work: at first, and at most; but at least so many
#: times the time that the failure took.
_FIRST_PAUSE, _LONGEST_PAUSE, _TIMES = 1.0, 5.0, 10.0
#: Seconds between two resolutions of a name, and the least time for one of several addresses.
_RESOLVE_INTERVAL, _LEAST_TIME = 1.0, 1.0


class Connection(Protocol):
    """A connection of a transport."""

    address: Address
    #: True once the receiver may have the whole request.
    sent_whole: bool

    def usable(self, deadline: float) -> bool:
        """True if a request can be sent; reads what the receiver has sent meanwhile."""
        ...

    def interrupt(self) -> None:
        """End a request of another thread."""

    def close(self) -> None:
        """Close the descriptor, without a word to the receiver."""


_C = TypeVar("_C", bound=Connection)


class NoAddressLeftError(Exception):
    """All addresses were tried."""


class Connections(Generic[_C]):
    """Connections to the addresses of one receiver. Without ``round_robin`` one connection is kept, else one each.

    Args:
        connector: opens connections.
        make: makes the transport's connection of an open socket.
        age_seconds: the mean age at which a connection is closed, and the name resolved again; 0 for no limit.
        round_robin: send each request to the next address.

    Attributes:
        closed: true from :meth:`close` on.
    """

    def __init__(
        self,
        connector: Connector,
        make: Callable[[TimedSocket, Address, Proxy | None], _C],
        age_seconds: float,
        *,
        round_robin: bool,
    ) -> None:
        self._connector, self._make = connector, make
        self._age, self._round_robin = age_seconds, round_robin
        self.closed = False
        # True while a request is under way: then its thread closes the descriptors.
        self._in_use = False
        self._open: dict[Address, _C] = {}
        self.forked()

    def forked(self) -> None:
        """Abandon the parent's connections in a forked child."""
        for connection in self._open.values():
            connection.close()
        self._open = {}
        self._in_use = False
        self._expires: dict[Address, float] = {}
        self._addresses: list[Address] = []
        self._proxies: dict[Address, Proxy | None] = {}
        self._resolved_at, self._stale_at = 0.0, 0.0
        # By address: until when it is avoided, and for how long the last time.
        self._avoided: dict[Address, tuple[float, float]] = {}

    def get(self, deadline: float, excluded: Collection[Address] = ()) -> _C:
        """Return a connection for one request; open it if necessary. :meth:`release` must follow.

        Args:
            deadline: on the clock of :func:`time.monotonic`.
            excluded: addresses that are not used.

        Raises: ``ConnectionFailure`` when none of the addresses can be connected to; ``NoAddressLeftError`` when all
            are excluded.
        """
        self._in_use = True
        if self.closed:
            raise ConnectionFailure("the exporter is shut down")
        now = time.monotonic()
        for address in [one for one, end in self._expires.items() if end <= now]:
            self.discard(address)
        if connection := self._current(excluded, deadline):
            return connection
        candidates = self._candidates(excluded, deadline)
        failures: list[ConnectionFailure] = []
        for number, address in enumerate(candidates):
            existing = self._open.get(address)
            if existing is not None:
                if existing.usable(deadline):
                    return self._take_turn(existing)
                self.discard(address)
            left = deadline - time.monotonic()
            if left <= 0 and failures:
                break
            share = max(min(left, _LEAST_TIME), left / (len(candidates) - number))
            begin = time.monotonic()
            try:
                return self._take_turn(self._connect(address, begin + share))
            except ConnectionFailure as failure:
                failures.append(failure)
                self.avoid(address, time.monotonic() - begin)
        raise self._summary(failures)

    def discard(self, address: Address) -> None:
        """Close the connection to an address."""
        self._expires.pop(address, None)
        connection = self._open.pop(address, None)
        if connection is not None:
            connection.close()

    def avoid(self, address: Address, seconds: float = 0.0) -> None:
        """Close the connection to an address, and prefer others for a while.

        Args:
            seconds: the time that was lost with it.
        """
        self.discard(address)
        last = self._avoided.get(address, (0.0, _FIRST_PAUSE / 2))[1]
        pause = max(min(last * 2, _LONGEST_PAUSE), seconds * _TIMES)
        self._avoided[address] = time.monotonic() + jitter(pause), pause
        # Its name may have got another address.
        self._stale_at = 0.0

    def succeeded(self, address: Address) -> None:
        """Forget earlier failures of an address, which has answered."""
        self._avoided.pop(address, None)

    def count_addresses(self) -> int:
        """Return the number of known addresses."""
        return len(self._addresses)

    def release(self) -> None:
        """End the use of the connection of :meth:`get`."""
        self._in_use = False
        if self.closed:
            self._discard_all()

    def close(self) -> None:
        """Close all connections; a request of another thread is ended."""
        self.closed = True
        self._connector.interrupt()
        for connection in list(self._open.values()):
            connection.interrupt()
        if not self._in_use:
            self._discard_all()

    def _discard_all(self) -> None:
        for address in list(self._open):
            self.discard(address)

    def _current(self, excluded: Collection[Address], deadline: float) -> _C | None:
        """Return the one connection that is kept, if it can be used."""
        if self._round_robin:
            return None
        for address, connection in list(self._open.items()):
            if address not in excluded:
                if connection.usable(deadline):
                    return connection
                self.discard(address)
        return None

    def _take_turn(self, connection: _C) -> _C:
        """Move the address that gets the request to the end, so that it comes after all others."""
        if self._round_robin and connection.address in self._addresses:
            self._addresses.remove(connection.address)
            self._addresses.append(connection.address)
        return connection

    def _candidates(self, excluded: Collection[Address], deadline: float) -> list[Address]:
        """Return the addresses in the order in which to try them."""
        self._resolve(deadline)
        known = self._addresses
        now = time.monotonic()
        left = [address for address in known if address not in excluded]
        if not left:
            raise NoAddressLeftError
        left.sort(key=lambda address: self._avoided.get(address, (0.0, 0.0))[0] > now)
        return left

    def _resolve(self, deadline: float) -> None:
        now = time.monotonic()
        # Without round robin this is about to open a connection, so the name is always resolved again.
        fresh = self._round_robin and now < self._stale_at
        if self._addresses and (fresh or now - self._resolved_at < _RESOLVE_INTERVAL):
            return
        try:
            proxies = self._connector.resolve(deadline)
        except (OSError, UnicodeError) as error:
            if not self._addresses:
                name = self._connector.target.listed[0].host
                why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise ConnectionFailure(f"name resolution failed: {name}: {why}") from error
            proxies = {address: self._proxies[address] for address in self._addresses}
        found = list(proxies)
        for address in set(self._open) - set(found):
            self.discard(address)
        if self._round_robin:
            # The turns go on; addresses that were added come first.
            known = [address for address in self._addresses if address in found]
            found = [address for address in found if address not in known] + known
        self._avoided = {address: value for address, value in self._avoided.items() if address in found}
        self._addresses, self._proxies, self._resolved_at = found, proxies, now
        self._stale_at = now + (jitter(self._age) if self._age else float("inf"))

    def _connect(self, address: Address, deadline: float) -> _C:
        proxy = self._proxies[address]
        socket = self._connector.open(address, proxy, deadline)
        try:
            connection = self._make(socket, address, proxy)
        except BaseException:
            socket.close()
            raise
        if self.closed:
            connection.close()
            raise ConnectionFailure("the exporter is shut down")
        if not self._round_robin:
            self._discard_all()
        self._open[address] = connection
        self._expires[address] = time.monotonic() + jitter(self._age) if self._age else float("inf")
        return connection

    def _summary(self, failures: list[ConnectionFailure]) -> ConnectionFailure:
        """Return one failure for those of all addresses."""
        final = all(one.final for one in failures)
        if len({one.cause for one in failures}) > 1:
            return ConnectionFailure("; ".join(dict.fromkeys(describe(one) for one in failures)), final=final)
        # All addresses of a name fail for the same reason. A proxy is no address of the receiver.
        cause, place, target = failures[0].cause, failures[0].place, self._connector.target
        if (
            place
            and not place.startswith("the proxy ")
            and (len(failures) > 1 or not (target.is_list or target.is_local))
        ):
            place = target.place
        return ConnectionFailure(cause, place, final=final)

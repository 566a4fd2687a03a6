"""Opens one connection to a receiver: TCP or a Unix socket, through a proxy, with TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

from distrokit_otlp.connection.failure import ConnectionFailure, connect_failure, tls_failure
from distrokit_otlp.connection.proxies import Proxy, proxy_for
from distrokit_otlp.connection.resolution import Resolver
from distrokit_otlp.connection.target import Address, Target, spread
from distrokit_otlp.connection.timed_socket import TimedSocket, shut_down
from distrokit_otlp.connection.tunnels import ask_for_tunnel, connect_by_socks

#: Seconds until the system probes an idle connection, between two probes, and their number: a middlebox may have
#: forgotten the connection.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class Connector:
    """Opens connections to a receiver.

    Args:
        target: the receiver.
        context: returns the TLS context of the next connection; called only where the receiver uses TLS.
        grpc: true for grpc, whose proxy variables differ, and which asks proxies for a tunnel without TLS, too.
    """

    def __init__(self, target: Target, context: Callable[[], ssl.SSLContext], *, grpc: bool) -> None:
        self.target, self._context, self._grpc = target, context, grpc
        if target.tls:
            # The ssl module needs this codec; a fork in the middle of its import breaks it in the child.
            import encodings.idna  # noqa: F401
        self._resolver = Resolver(lambda: self._in_library)
        # The socket that is being opened.
        self._opening: socket.socket | None = None
        self.forked()

    def forked(self) -> None:
        """Renew the lock in a forked child, where the thread that held it does not exist."""
        # Held where the C library and OpenSSL have locks of their own: a fork must not interrupt them there.
        self._in_library = threading.Lock()
        # Threads may fork at the same time.
        self._fork_state = threading.local()
        self._resolver.forked()
        if self._opening is not None:
            self._opening.close()
            self._opening = None

    def before_fork(self, seconds: float) -> None:
        """Wait for another thread that resolves a name or makes a TLS handshake, at most this long."""
        self._fork_state.holds_lock = self._in_library.acquire(timeout=seconds)

    def forked_in_parent(self) -> None:
        """Release the lock in the parent."""
        if getattr(self._fork_state, "holds_lock", False):
            self._fork_state.holds_lock = False
            self._in_library.release()

    def resolve(self, deadline: float) -> dict[Address, Proxy | None]:
        """Return the receiver's current addresses, in the order in which to try them, each with its proxy if any.

        A proxy resolves the name by itself.

        Raises: ``OSError`` or ``UnicodeError`` for a name that cannot be resolved; ``ConnectionFailure`` for a proxy
            variable without host and port.
        """
        found: dict[Address, Proxy | None] = {}
        for listed in self.target.listed:
            proxy = self._proxy(listed)
            for address in [listed] if proxy else self._resolver.resolve(listed, deadline):
                found[address] = proxy
        return {address: found[address] for address in spread(found)}

    def interrupt(self) -> None:
        """End the opening of a connection by another thread."""
        opening = self._opening
        if opening is not None:
            shut_down(opening)

    def _proxy(self, address: Address) -> Proxy | None:
        if self.target.is_local:
            return None
        try:
            return proxy_for("https" if self.target.tls else "http", address.host, address.port, grpc=self._grpc)
        except ValueError as error:
            raise ConnectionFailure(str(error)) from error

    def open(self, address: Address, proxy: Proxy | None, deadline: float) -> TimedSocket:
        """Return a new connection.

        Args:
            address: the receiver's; behind a proxy it may be a name.
            proxy: the proxy to use; ``None`` for none.
            deadline: on the clock of :func:`time.monotonic`.

        Raises: ``ConnectionFailure``.
        """
        try:
            return self._open(address, proxy, deadline)
        finally:
            self._opening = None

    def _open(self, address: Address, proxy: Proxy | None, deadline: float) -> TimedSocket:
        raw = self._opening = self._connect(address, proxy, deadline)
        found = TimedSocket(raw)
        found.deadline = deadline
        try:
            if proxy and proxy.scheme == "https":
                self._wrap(found, proxy.host, ssl.create_default_context)
            if proxy and not proxy.scheme.startswith("socks") and (self._grpc or self.target.tls):
                ask_for_tunnel(found, address, proxy)
            if self.target.tls:
                self._wrap(found, self.target.host_of(address), self._context)
        except BaseException:
            found.close()
            raise
        return found

    def _connect(self, address: Address, proxy: Proxy | None, deadline: float) -> socket.socket:
        left = deadline - time.monotonic()
        where = Address(proxy.host, proxy.port) if proxy else address
        place = f"the proxy {proxy.place}" if proxy else address.place
        try:
            if left <= 0:
                raise TimeoutError
            if proxy and proxy.scheme.startswith("socks"):
                return connect_by_socks(address, proxy, left)
            if not where.port:
                return connect(where, left, self._note)
            # Only a proxy has a name here; its addresses are tried in the system's order.
            addresses = self._resolver.resolve(where, deadline)
            for number, one in enumerate(addresses, 1):
                try:
                    return connect(one, left / len(addresses), self._note)
                except OSError:
                    if number == len(addresses):
                        raise
            raise OSError("the name has no address")
        except (OSError, UnicodeError) as error:
            raise connect_failure(error, place) from error

    def _note(self, raw: socket.socket) -> None:
        self._opening = raw

    def _wrap(self, found: TimedSocket, host: str, make_context: Callable[[], ssl.SSLContext]) -> None:
        if isinstance(found.raw, ssl.SSLSocket):
            raise ConnectionFailure("TLS through an https:// proxy is not supported; use an http:// proxy")
        try:
            context = make_context()
        except OSError as error:
            raise ConnectionFailure(str(error), final=True) from error
        # A name may end with a dot; that of a certificate does not.
        name = host.partition("%")[0].rstrip(".")
        try:
            with self._in_library:
                found.raw.settimeout(max(0.001, found.deadline - time.monotonic()))
                # The handshake on its own: until wrap_socket() returns, nothing could interrupt it.
                secure = context.wrap_socket(found.raw, server_hostname=name, do_handshake_on_connect=False)
                found.raw = self._opening = secure
                secure.do_handshake()
        except (OSError, ValueError) as error:
            raise tls_failure(error) from error


def connect(
    address: Address, seconds: float, note: Callable[[socket.socket], None] = lambda raw: None
) -> socket.socket:
    """Return a connected socket.

    Args:
        address: a number, or a Unix socket.
        seconds: the time limit.
        note: gets the socket before it is connected.

    Raises: ``OSError``.
    """
    family = socket.AF_UNIX if not address.port else socket.AF_INET6 if ":" in address.host else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_STREAM)
    try:
        note(raw)
        raw.settimeout(seconds)
        if not address.port:
            raw.connect(address.host)
            return raw
        place = (address.host, address.port, 0, address.scope) if ":" in address.host else (address.host, address.port)
        raw.connect(place)
    except BaseException:
        raw.close()
        raise
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return raw

"""Opens one connection to a receiver: TCP or a Unix socket, through a proxy, with TLS."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable

from distrokit_otlp.connection.failure import ConnectionFailure, connect_failure, tls_failure
from distrokit_otlp.connection.proxies import Proxy, proxy_for
from distrokit_otlp.connection.target import Address, Target, look_up
from distrokit_otlp.connection.timed_socket import TimedSocket

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
        self.forked()

    def forked(self) -> None:
        """Renew the lock in a forked child, where the thread that held it does not exist."""
        # Held where the C library and OpenSSL have locks of their own: a fork must not interrupt them there.
        self._in_library = threading.Lock()
        # Threads may fork at the same time.
        self._fork_state = threading.local()

    def before_fork(self, seconds: float) -> None:
        """Wait for another thread that resolves a name or makes a TLS handshake, at most this long."""
        self._fork_state.holds_lock = self._in_library.acquire(timeout=seconds)

    def forked_in_parent(self) -> None:
        """Release the lock in the parent."""
        if getattr(self._fork_state, "holds_lock", False):
            self._fork_state.holds_lock = False
            self._in_library.release()

    def resolve(self) -> list[Address]:
        """Return the receiver's current addresses. Raises ``OSError`` or ``UnicodeError``."""
        with self._in_library:
            return self.target.resolve()

    def proxy(self) -> Proxy | None:
        """Return the proxy of the next connection; ``None`` for a direct one.

        Raises: ``ConnectionFailure`` for a proxy variable without host and port.
        """
        target = self.target
        if target.is_local:
            return None
        first = target.listed[0]
        try:
            return proxy_for("https" if target.tls else "http", first.host, first.port, grpc=self._grpc)
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
        raw = self._connect(address, proxy, deadline)
        found = TimedSocket(raw)
        found.deadline = deadline
        try:
            if proxy and proxy.scheme == "https":
                found.raw = self._wrap(found, proxy.host, ssl.create_default_context())
            if proxy and not proxy.scheme.startswith("socks") and (self._grpc or self.target.tls):
                _ask_for_tunnel(found, address, proxy)
            if self.target.tls:
                found.raw = self._wrap(found, self.target.host_of(address), self._context())
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
                return _connect_by_socks(address, proxy, left)
            raw = _connect_local(address.host, left) if not where.port else _connect_tcp(where, left)
        except (OSError, UnicodeError) as error:
            raise connect_failure(error, place) from error
        return raw

    def _wrap(self, found: TimedSocket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
        if isinstance(found.raw, ssl.SSLSocket):
            raise ConnectionFailure(
                "a receiver with TLS behind an https:// proxy is not supported; use an http:// proxy"
            )
        found.raw.settimeout(max(0.001, found.deadline - time.monotonic()))
        try:
            with self._in_library:
                return context.wrap_socket(found.raw, server_hostname=host.partition("%")[0])
        except (OSError, ValueError) as error:
            raise tls_failure(error) from error


def _connect_tcp(address: Address, seconds: float) -> socket.socket:
    # Only a proxy, or a receiver behind one, has a name here; its addresses are tried in the system's order.
    found = [address] if address.is_number else look_up(address)
    for number, one in enumerate(found, 1):
        raw = socket.socket(socket.AF_INET6 if ":" in one.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            raw.settimeout(seconds / len(found))
            raw.connect((one.host, one.port))
            break
        except OSError:
            raw.close()
            if number == len(found):
                raise
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return raw


def _connect_local(path: str, seconds: float) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        raw.settimeout(seconds)
        raw.connect(path)
    except BaseException:
        raw.close()
        raise
    return raw


def _connect_by_socks(address: Address, proxy: Proxy, seconds: float) -> socket.socket:
    try:
        import socks
    except ModuleNotFoundError:
        raise ConnectionFailure("a SOCKS proxy needs another package: pip install pysocks") from None
    kind = socks.SOCKS4 if proxy.scheme.startswith("socks4") else socks.SOCKS5
    connected: socket.socket = socks.create_connection(
        (address.host, address.port),
        timeout=seconds,
        proxy_type=kind,
        proxy_addr=proxy.host,
        proxy_port=proxy.port,
        # The proxy resolves the name, as with "socks5h" and "socks4a" in other clients.
        proxy_rdns=True,
        proxy_username=proxy.user or None,
        proxy_password=proxy.password or None,
    )
    return connected


def _ask_for_tunnel(found: TimedSocket, address: Address, proxy: Proxy) -> None:
    """Send CONNECT and read the response (RFC 9110, 9.3.6). Raises ``ConnectionFailure``."""
    lines = [f"CONNECT {address.place} HTTP/1.1", f"Host: {address.place}"]
    lines += [f"{name}: {value}" for name, value in proxy.headers.items()]
    try:
        found.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        response = http.client.HTTPResponse(found, method="CONNECT")  # type: ignore[arg-type]
        # Unbuffered: the bytes after the response are the receiver's.
        response.fp = _Unbuffered(found)  # type: ignore[assignment]
        response.begin()
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionFailure(f"the proxy {proxy.place} gave no answer: {error or type(error).__name__}") from error
    if not 200 <= response.status < 300:
        status = f"{response.status} {response.reason}".rstrip()
        raise ConnectionFailure(f"the proxy {proxy.place} answered {status}")


class _Unbuffered:
    """Reads lines byte by byte, as :class:`http.client.HTTPResponse` needs it for a response's head."""

    def __init__(self, found: TimedSocket) -> None:
        self._found = found

    def readline(self, limit: int = 65_537) -> bytes:
        line = bytearray()
        while len(line) < limit and not line.endswith(b"\n"):
            byte = self._found.recv(1)
            if not byte:
                break
            line += byte
        return bytes(line)

    def flush(self) -> None: ...

    def close(self) -> None: ...

"""Asks a proxy for a connection to a receiver: SOCKS, and CONNECT of HTTP."""

from __future__ import annotations

import socket
from importlib import import_module
from typing import Any

from distrokit_otlp.connection.failure import ConnectionFailure
from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket


def connect_by_socks(address: Address, proxy: Proxy, seconds: float) -> socket.socket:
    """Return a socket that a SOCKS proxy has connected. Raises ``ConnectionFailure`` without pysocks; ``OSError``."""
    try:
        socks: Any = import_module("socks")
    except ModuleNotFoundError:
        raise ConnectionFailure("a SOCKS proxy needs another package: pip install 'distrokit-otlp[socks]'") from None
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


def ask_for_tunnel(found: TimedSocket, address: Address, proxy: Proxy) -> None:
    """Send CONNECT and read the response (RFC 9110, 9.3.6). Raises ``ConnectionFailure``."""
    # grpc needs it behind a proxy only.
    import http.client

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

"""One HTTP/1.1 connection (RFC 9112), by the standard library over a socket of our own.

Our own connection, since a request has one deadline, goes to an address that is selected here, and must not import a
library that the application may still patch, replace or instrument.
"""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Mapping
from typing import Any

from distrokit_otlp.connection.proxies import Proxy
from distrokit_otlp.connection.target import Address, Target
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.http.response import HttpResponse
from distrokit_otlp.http.verdict import LARGEST_RESPONSE

#: Seconds after which an idle connection is not used any more: receivers close them after a minute or so, and a request
#: that crosses the end of a connection may or may not have arrived.
_IDLE = 30.0


class HttpConnection:
    """A connection that sends one request at a time.

    Args:
        socket: the open socket.
        address: the receiver's address.
        target: the receiver.
        proxy: a proxy that gets requests without a tunnel; ``None`` for none.
    """

    def __init__(self, socket: TimedSocket, address: Address, target: Target, proxy: Proxy | None) -> None:
        self.address, self._socket = address, socket
        authority = target.authority(address)
        forwards = proxy is not None and not target.tls and not proxy.scheme.startswith("socks")
        self._url = f"http://{authority}{target.path}" if forwards else target.path
        self._own = {"Host": authority, **(proxy.headers if proxy and forwards else {})}
        self._client = http.client.HTTPConnection("localhost")
        self._client.auto_open = 0
        client: Any = self._client
        client.sock = _Borrowed(socket)
        self._reusable, self._used_at, self.sent_whole = True, time.monotonic(), False

    def post(self, headers: Mapping[str, str], body: bytes, deadline: float) -> HttpResponse:
        """Send a request and return the response.

        Raises: ``OSError`` when the connection breaks; ``ValueError`` for an invalid header.
        """
        self._socket.deadline, self._reusable, self.sent_whole = deadline, False, False
        own = {name: value for name, value in self._own.items() if name.lower() not in headers}
        try:
            self._send({**own, **headers}, body)
            with self._client.getresponse() as response:
                content = response.read(LARGEST_RESPONSE + 1)
                if response.length and len(content) <= LARGEST_RESPONSE:
                    raise http.client.IncompleteRead(content, response.length)
                found = HttpResponse(
                    response.status, response.reason or "", dict(response.headers), content[:LARGEST_RESPONSE],
                    whole=len(content) <= LARGEST_RESPONSE,
                )  # fmt: skip
                self._reusable, self._used_at = response.isclosed() and not response.will_close, time.monotonic()
        except http.client.HTTPException as error:
            raise ConnectionAbortedError(f"Connection aborted: {type(error).__name__}: {str(error)[:200]}") from error
        return found

    def _send(self, headers: Mapping[str, str], body: bytes) -> None:
        # A receiver may refuse a large request and close before it has read all of it: its response says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._client.request("POST", self._url, body=body, headers=dict(headers))
            self.sent_whole = True

    def usable(self, deadline: float) -> bool:
        """True if the connection is open, and was not idle for so long that the receiver may just be closing it."""
        if not self._reusable or time.monotonic() - self._used_at > _IDLE:
            return False
        try:
            # Whatever can be read between two responses is not one of ours: mostly the end of the connection.
            return self._socket.recv_available(1) is None
        except OSError:
            return False

    def interrupt(self) -> None:
        """End the connection, also for a request of another thread."""
        self._socket.interrupt()

    def close(self) -> None:
        """Close the descriptor; nothing is sent."""
        self._socket.close()


class _Borrowed:
    """The socket as :mod:`http.client` uses it, which closes it before it has read the last response."""

    def __init__(self, socket: TimedSocket) -> None:
        self._socket = socket

    def sendall(self, data: Any) -> None:
        """Send all bytes. Raises ``OSError``."""
        self._socket.sendall(data)

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        """Return a file to read from."""
        return self._socket.makefile(*args, **kwargs)

    def close(self) -> None:
        """Leave the socket open."""

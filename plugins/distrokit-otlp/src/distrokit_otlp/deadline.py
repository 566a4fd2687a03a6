"""One deadline for a whole HTTP exchange.

``requests`` limits each single read, so a peer that sends one byte per second could block the exporter for ever. Here
every read and write of a connection is limited to the time that is left.
"""

from __future__ import annotations

import contextlib
import io
import ssl
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from distrokit_otlp.idle import IdleConnections

_DEADLINE: ContextVar[float | None] = ContextVar("distrokit_otlp_deadline", default=None)


@contextlib.contextmanager
def limit_exchange(deadline: float) -> Iterator[None]:
    """Set the deadline of a :class:`DeadlineAdapter`'s connections, on the clock of :func:`time.monotonic`."""
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


class DeadlineAdapter(HTTPAdapter):
    """An HTTP adapter whose exchanges end by the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(proxy, **kwargs)
        if set(manager.pool_classes_by_scheme) == set(_POOLS):
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls: Any = _Connection
    QueueCls: Any = IdleConnections


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls: Any = _SecureConnection
    QueueCls: Any = IdleConnections


_POOLS = {"http": _Pool, "https": _SecurePool}


class _Socket:
    """A connected socket that reads and writes within the deadline, and delegates everything else."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: Any, *args: Any) -> None:
        # A socket's timeout holds for the whole of sendall().
        _apply_deadline(self._socket)
        try:
            self._socket.sendall(data, *args)
        except ssl.SSLEOFError:
            # With TLS 1.3 a server that requires a certificate closes the connection after the client began to write.
            # Reading raises its alert, which names the cause.
            self._socket.recv(1)
            raise

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        return io.BufferedReader(_Reader(self._socket, self._socket.makefile("rb", buffering=0)))


class _Reader(io.RawIOBase):
    """Reads from a socket through its raw file, which keeps the socket open until the file is closed."""

    def __init__(self, socket: Any, raw: Any) -> None:
        super().__init__()
        self._socket, self._raw = socket, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _apply_deadline(self._socket)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _apply_deadline(socket: Any) -> None:
    deadline = _DEADLINE.get()
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time: timed out")
        socket.settimeout(left)

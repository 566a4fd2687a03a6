"""A socket whose operations end by one deadline.

A socket's own timeout limits each single read, so a peer that sends one byte per second could block the exporter for
ever.
"""

from __future__ import annotations

import contextlib
import io
import math
import socket
import ssl
import time
from typing import Any


class TimedSocket:
    """A connected socket with a deadline.

    Args:
        raw: the socket, with TLS or without.

    Attributes:
        deadline: on the clock of :func:`time.monotonic`; every operation raises ``TimeoutError`` after it.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.raw, self.deadline = raw, math.inf

    def sendall(self, data: Any) -> None:
        """Send all bytes. Raises ``OSError``."""
        # A socket's timeout holds for the whole of sendall().
        self._apply_deadline()
        try:
            self.raw.sendall(data)
        except ssl.SSLEOFError:
            # With TLS 1.3 a server that requires a certificate closes the connection after the client began to write.
            # Reading raises its alert, which names the cause.
            self.raw.recv(1)
            raise

    def recv(self, size: int) -> bytes:
        """Return up to ``size`` bytes; empty at the end. Raises ``OSError``."""
        self._apply_deadline()
        return self.raw.recv(size)

    def recv_into(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes. Raises ``OSError``."""
        self._apply_deadline()
        return self.raw.recv_into(buffer)

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        """Return a file to read from, which does not close the socket."""
        return io.BufferedReader(_Reader(self))

    def recv_available(self, size: int) -> bytes | None:
        """Return what can be read without waiting: ``None`` for nothing, empty at the end. Raises ``OSError``."""
        self.raw.settimeout(0)
        try:
            return self.raw.recv(size)
        except (BlockingIOError, ssl.SSLWantReadError, TimeoutError):
            # Also where records of TLS itself have arrived. eventlet raises the last one.
            return None

    def interrupt(self) -> None:
        """End the connection at once, also for an operation of another thread."""
        shut_down(self.raw)

    def close(self) -> None:
        """Close the descriptor; nothing is sent, so that a connection of the parent process is not affected."""
        with contextlib.suppress(OSError):
            self.raw.close()

    def _apply_deadline(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.raw.settimeout(left if left < math.inf else None)


def shut_down(raw: socket.socket) -> None:
    """End a socket's connection at once, also for an operation of another thread."""
    with contextlib.suppress(OSError, ValueError):
        try:
            # Not SSLSocket's own, which takes the TLS state from the operation under way.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)
        except (AttributeError, TypeError):
            # eventlet's socket is no subclass, and has the real one as its attribute.
            getattr(raw, "fd", raw).shutdown(socket.SHUT_RDWR)


class _Reader(io.RawIOBase):
    def __init__(self, source: TimedSocket) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.recv_into(buffer)

"""A connection that is closed at a deadline: the timeout of a socket is only that of each of its calls."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.request
from contextlib import suppress
from typing import Any

from distrokit import start_thread


class OpenConnection:
    """The connection of one request.

    Attributes:
        closed: whether the deadline has closed it.
    """

    def __init__(self) -> None:
        self.closed = False
        self._socket: socket.socket | None = None

    def close_after(self, seconds: float) -> threading.Timer:
        """Start a timer that closes it; cancel it when the request is over."""
        timer = threading.Timer(seconds, self._close)
        timer.daemon = True
        with suppress(RuntimeError):
            # The process has too many threads: the socket's own timeout is left.
            start_thread(timer)
        return timer

    def _close(self) -> None:
        self.closed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def handler(self) -> urllib.request.HTTPHandler:
        """Return what opens it."""
        opened = self

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened._socket = self.sock

        class Handler(urllib.request.HTTPHandler):
            def http_open(self, req: Any) -> Any:
                return self.do_open(Connection, req)

        return Handler()

    def tls_handler(self, context: ssl.SSLContext) -> urllib.request.HTTPSHandler:
        """Return what opens it with TLS."""
        opened = self

        class Connection(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened._socket = self.sock

        class Handler(urllib.request.HTTPSHandler):
            def https_open(self, req: Any) -> Any:
                return self.do_open(Connection, req, context=context)

        return Handler(context=context)

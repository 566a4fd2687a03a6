"""Stands between a client and a receiver, and cuts their connections: gRPC's servers cannot do that to one request."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from behaviours import Answer, Behaviour
from peer import Peer


class Relay:
    """Passes bytes both ways on loopback; a context manager.

    Attributes:
        endpoint: in place of the peer's.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: list[socket.socket] = []
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def cut_after_counting(self, *, only_with_items: bool = False) -> Behaviour:
        """Counts, and all connections end before there is an answer."""

        def behaviour(signal: str, number: int, items) -> Answer:
            if only_with_items and not items():
                return Answer()
            request = next(r for r in reversed(self._peer.ledger.requests) if r.signal == signal and not r.answered)
            threading.Thread(target=self._cut_when, args=(request,), daemon=True).start()
            return Answer(after=20)

        return behaviour

    def _cut_when(self, request) -> None:
        end = time.monotonic() + 10
        while not request.accepted and time.monotonic() < end:
            time.sleep(0.002)
        self.cut()

    def cut(self) -> None:
        """End all connections that there are; the client may be quick with the next one."""
        found, self._open = self._open, []
        for one in found:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                other = socket.create_connection(("127.0.0.1", self._peer.port))
                self._open += [one, other]
                for source, sink in ((one, other), (other, one)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()

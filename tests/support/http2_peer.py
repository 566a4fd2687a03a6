"""An HTTP/2 server on loopback whose every frame a test decides: what grpc's own servers cannot be told to do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

#: Of an answer that takes everything.
HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
TRAILERS = [("grpc-status", "0")]


@dataclass
class Served:
    """One connection as the server sees it.

    Attributes:
        number: of the connection, from 1.
        h2: its state; what a test writes there is sent after each step.
        requests: stream id, headers and body of each whole request so far.
    """

    number: int
    raw: socket.socket
    h2: h2.connection.H2Connection
    requests: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    pings: int = 0

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self.raw.sendall(self.h2.data_to_send())

    def accept(self, stream: int, body: bytes = b"\0\0\0\0\0", headers=HEADERS, trailers=TRAILERS) -> None:
        """Answer that everything is taken."""
        self.h2.send_headers(stream, headers)
        if body:
            self.h2.send_data(stream, body)
        self.h2.send_headers(stream, trailers, end_stream=True)

    def refuse(self, stream: int, *headers: tuple[str, str], body: bytes = b"") -> None:
        """Answer by headers alone, or with a body."""
        self.h2.send_headers(stream, list(headers), end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)


#: Called with the connection and the id of each stream whose request is whole.
Answering = Callable[[Served, int], None]


class Http2Peer:
    """A server; ``connections`` is a list of what it has served."""

    def __init__(
        self, answering: Answering, *, settings: dict[int, int] | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self._answering, self._settings, self._context = answering, settings or {}, context
        #: Called with the connection and the number of bytes of each DATA frame; acknowledges them.
        self.on_data: Callable[[Served, int, int], None] = lambda served, stream, size: (
            served.h2.acknowledge_received_data(size, stream)
        )
        self.connections: list[Served] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def requests(self) -> list[tuple[int, dict[str, str], bytes]]:
        return [request for served in self.connections for request in served.requests]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for served in self.connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(served.raw, socket.SHUT_RDWR)

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(raw.close)
            if self._context:
                raw = self._context.wrap_socket(raw, server_side=True)
            state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            state.local_settings = h2.settings.Settings(client=False, initial_values=self._settings)
            served = Served(len(self.connections) + 1, raw, state)
            self.connections.append(served)
            state.initiate_connection()
            served.flush()
            self._exchange(served)

    def _exchange(self, served: Served) -> None:
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytearray] = {}
        while data := served.raw.recv(65_536):
            for event in served.h2.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id] = {str(name): str(value) for name, value in event.headers}
                    bodies[event.stream_id] = bytearray()
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    self.on_data(served, event.stream_id, event.flow_controlled_length)
                elif isinstance(event, h2.events.PingReceived):
                    served.pings += 1
                elif isinstance(event, h2.events.StreamEnded):
                    stream = event.stream_id
                    served.requests.append((stream, heads[stream], bytes(bodies[stream])))
                    self._answering(served, stream)
            served.flush()


@contextmanager
def http2_peer(answering: Answering = Served.accept, **options) -> Iterator[Http2Peer]:
    """A server that answers so."""
    peer = Http2Peer(answering, **options)
    try:
        yield peer
    finally:
        peer.close()

"""An OTLP receiver over HTTP that does as it is told."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from behaviours import Answer, Behaviour
from google.protobuf.message import DecodeError
from ledger import Request
from otlp_items import SERVICES, Service, unpacked
from peer import TLS, Peer

RST = struct.pack("ii", 1, 0)  # SO_LINGER that makes of a close a reset


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60  # seconds without a byte from the client

    def setup(self) -> None:
        super().setup()
        self.peer, self.stopping = self.server.peer, self.server.peer.stopping

    def do_POST(self) -> None:
        services = {service.path: service for service in SERVICES.values()}
        service = services.get(self.path)
        self.request_ = Request(
            service.signal if service else "",
            f"POST {self.path}",
            {name.lower(): text for name, text in self.headers.items()},
            self.client_address[1],
        )
        self.peer.ledger.arrived(self.request_)
        self.body: list[str] | None = None
        try:
            if service:
                self._serve(service)
            else:
                self._read()
                self._send(Answer(404), services["/v1/traces"])
        except RefusedError as refused:
            self.close_connection = True
            if refused.status:
                self._send(Answer(refused.status, message=str(refused)), services["/v1/traces"])

    def _serve(self, service: Service) -> None:
        answer = self.peer.answer(service.signal, self._items)
        if answer.cut == "request":
            if self.body is None:
                self.rfile.read(int(self.headers.get("content-length") or 0) // 2)
            self._note("reset")
            self._drop(reset=True)
            return
        self._items()
        if answer.before and not self.peer.wait(self.stopping, answer.before, self._here):
            self._drop()
            return
        if answer.counted:
            self.peer.ledger.count(self.request_, answer.rejected)
        if answer.after and not self.peer.wait(self.stopping, answer.after, self._here):
            self._drop()
        elif answer.cut == "answer":
            self._note("dropped")
            self._drop()
        else:
            self._send(answer, service)

    def _items(self) -> list[str]:
        """The ids; read once. Raises ``RefusedError``."""
        if self.body is None:
            raw = self._read()
            limit = self.peer.max_receive_bytes
            try:
                plain = unpacked(raw, self.headers.get("content-encoding", ""))
                if limit is not None and len(plain) > limit:
                    self.request_.size = len(plain)
                    raise RefusedError(413, f"more than {limit} bytes")
                self.body = self.peer.ledger.read(self.request_, plain)
            except DecodeError as error:
                raise RefusedError(400, str(error)) from error
            except (ValueError, zlib.error) as error:
                self.peer.ledger.failed(undecodable=1)
                raise RefusedError(400, str(error)) from error
        return self.body

    def _read(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            self.peer.ledger.failed(undecodable=1)
            raise RefusedError(411, "send a Content-Length")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.peer.ledger.failed(incomplete=1)
            raise RefusedError(0, "the client has gone")
        return body

    def _send(self, answer: Answer, service: Service) -> None:
        pieces: Iterator[bytes] = answer.pieces(service)
        length = answer.length
        if length is None:
            body = b"".join(pieces)
            pieces, length = iter([body]), len(body)
        self._note(str(answer.status))
        lines = [
            f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}",
            f"content-length: {length}",
        ]
        lines += [f"{name}: {text}" for name, text in answer.http_headers().items()]
        lines += ["connection: close"] * self.close_connection
        self._write("\r\n".join([*lines, "", ""]).encode("latin-1"), answer.dribble if answer.dribble_head else 0)
        for piece in pieces:
            self._write(piece, answer.dribble)

    def _write(self, data: bytes, interval: float) -> None:
        """Raises ``OSError`` when the client has gone or the peer is stopped."""
        for piece in [bytes([one]) for one in data] if interval else [data]:
            if interval and not self.peer.wait(self.stopping, interval, lambda: True):
                raise ConnectionAbortedError("the peer is stopped")
            self.wfile.write(piece)

    def _note(self, answered: str) -> None:
        self.request_.answered = answered

    def _here(self) -> bool:
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        try:
            # The plain socket's, since TLS knows no peeking.
            return not poll.poll(0) or socket.socket.recv(self.connection, 1, socket.MSG_PEEK) != b""
        except OSError:
            return False

    def _drop(self, *, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            self.rfile.close()
            self.connection.close()

    def parse_request(self) -> bool:
        understood = super().parse_request()
        if not understood and not self.requestline.strip():
            # The base class lets these go without a word; the rest of a body often begins with a line feed.
            self.peer.ledger.failed(undecodable=1)
        return understood

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Said by the base class of what is no HTTP, or no POST."""
        self.peer.ledger.failed(undecodable=1)
        super().send_error(code, message, explain)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class RefusedError(Exception):
    """Answered with its status; 0 is not answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, peer: HTTPPeer) -> None:
        self.peer = peer
        self.open: set[socket.socket] = set()
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", peer.port), _Handler)
        if peer.tls:
            # The handshake is the handler's, so that nobody holds up the others.
            self.socket = peer.tls.context().wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.peer.ledger.failed(connections=1)
        with self.changed:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.changed:
            self.open.discard(request)
            self.changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about; a mistake in here is not."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def drop_all(self) -> None:
        """End all connections; waits at most 2 seconds for their threads."""
        with self.changed:
            for one in self.open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)
            self.changed.wait_for(lambda: not self.open, 2)


class HTTPPeer(Peer):
    """OTLP over HTTP, protobuf, plain or packed. ``max_receive_bytes`` is of a request, unpacked; ``None``: any."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        port: int = 0,
        tls: TLS | None = None,
        max_receive_bytes: int | None = None,
    ) -> None:
        super().__init__(behaviour, port, tls)
        self.max_receive_bytes = max_receive_bytes

    def _listen(self) -> None:
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)
        self._server.drop_all()

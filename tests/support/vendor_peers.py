"""What the example distros talk to besides OTLP receivers: over HTTP, and by datagram; all on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class WebPeer:
    """Answers what it is told to: ``answer`` returns a status, an object to be sent as JSON, and headers.

    A context manager that listens from its begin to its end.
    """

    answer: Callable[[Asked], tuple[int, Any, dict[str, str]]]
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self):
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                peer.asked.append(asked)
                status, content, headers = peer.answer(asked)
                sent = json.dumps(content).encode()
                self.send_response(status)
                for name, text in {**headers, "content-length": str(len(sent))}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Datagrams:
    """Takes datagrams; they wait in the kernel until they are asked for."""

    def __enter__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(10)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def take(self, count: int) -> list[bytes]:
        return [self._socket.recv(65_536) for _ in range(count)]

    def __exit__(self, *error: object) -> None:
        self._socket.close()

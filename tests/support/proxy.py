"""An HTTP proxy on loopback: tunnels by CONNECT, passes on what has a whole URL, and may want a password."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """What a proxy was asked.

    Attributes:
        port: where it listens.
        asked: the request lines.
        hosts: in place of names that only the proxy knows: host and port.
    """

    port: int
    asked: list[str] = field(default_factory=list)
    hosts: dict[str, tuple[str, int]] = field(default_factory=dict)


@contextmanager
def proxy(user: str = "", answer: bytes = b"", context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy that wants this ``user:password``, or gives this answer to everything."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    found = Proxy(listener.getsockname()[1])
    wanted = f"proxy-authorization: basic {base64.b64encode(user.encode()).decode()}".lower()

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) if context else plain as raw:
            while head := _head(raw):
                line, *headers = head.decode("latin-1").split("\r\n")
                found.asked.append(line)
                if user and not any(header.lower() == wanted for header in headers):
                    raw.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    return
                if answer:
                    raw.sendall(answer)
                    return
                method, target, _ = line.split(" ")
                if method == "CONNECT":
                    host, _, port = target.rpartition(":")
                    with socket.create_connection(found.hosts.get(target, (host.strip("[]"), int(port)))) as other:
                        raw.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                        back = threading.Thread(target=_pass, args=(other, raw), daemon=True)
                        back.start()
                        _pass(raw, other)
                        back.join(5)
                    return
                parts = urlsplit(target)
                length = next((int(h.partition(":")[2]) for h in headers if h.lower().startswith("content-length")), 0)
                body = b""
                while len(body) < length:
                    body += raw.recv(65_536)
                with socket.create_connection(found.hosts.get(parts.netloc, (parts.hostname, parts.port))) as other:
                    kept = [h for h in headers if h and not h.lower().startswith(("proxy-", "connection"))]
                    request = "\r\n".join([f"{method} {parts.path} HTTP/1.1", *kept, "connection: close", "", ""])
                    other.sendall(request.encode("latin-1") + body)
                    while data := other.recv(65_536):
                        raw.sendall(data)
                return

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                threading.Thread(target=serve, args=(raw,), daemon=True).start()

    threading.Thread(target=take, daemon=True).start()
    try:
        yield found
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _head(raw: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = raw.recv(1)
        if not byte:
            return b""
        data += byte
    return data


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)

"""Receivers on loopback that answer as they are told: with a status, a body, TLS of any kind, late, or not at all."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import trustme


@contextmanager
def http_answering(
    status: int | Callable[[], int] = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """An HTTP server that answers every request so; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status() if callable(status) else status)
            for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_CONNECT = do_POST

        def log_message(self, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def grpc_answering(
    answer: bytes = b"",
    code: grpc.StatusCode | None = None,
    details: str = "",
    refuses: Callable[[str], bool] = lambda method: True,
    seconds: float = 0.0,
) -> Iterator[int]:
    """A grpc server that answers every call so; ``code`` for the methods that ``refuses``; yields its port."""
    stop = threading.Event()

    class Handler(grpc.GenericRpcHandler):
        def service(self, call):
            def handle(request, context):
                stop.wait(seconds)
                if code is not None and refuses(call.method):
                    context.abort(code, details)
                return answer

            return grpc.unary_unary_rpc_method_handler(handle)

    server = grpc.server(ThreadPoolExecutor(4), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        stop.set()
        server.stop(0.2).wait()


@contextmanager
def silent() -> Iterator[int]:
    """Takes connections and says nothing; yields its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Authority:
    """A certificate authority, and server contexts of every kind.

    Args:
        folder: gets ``ca.pem``, ``client.pem`` and ``client.key``.
    """

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.folder = folder
        self.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        client = self.ca.issue_cert("client")
        client.private_key_pem.write_to_path(str(folder / "client.key"))
        (folder / "client.pem").write_bytes(b"".join(blob.bytes() for blob in client.cert_chain_pems))

    def context(self, *names: str, days: int = 300, mutual: bool = False) -> ssl.SSLContext:
        """A server's, with a certificate for these names that ends in so many days."""
        until = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days)
        since = until - dt.timedelta(days=400)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, not_before=since, not_after=until).configure_cert(context)
        if mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context

"""Servers on loopback that keep what a request looked like: headers and encoding, over HTTP and gRPC, with TLS if asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import trustme


@dataclass
class Sink:
    """What arrived: one (path, headers with names in lower case) per request."""

    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def headers(self, part: str = "") -> list[dict[str, str]]:
        """Of the requests whose path has this part."""
        return [headers for path, headers in self.requests if part.lower() in path.lower()]


@dataclass
class Certificates:
    """Files for a server on localhost, and for a client; all of one CA."""

    folder: Path

    def __post_init__(self) -> None:
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        for name, cert in (("server", ca.issue_cert("localhost")), ("client", ca.issue_cert("client"))):
            cert.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
            (self.folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


@contextmanager
def http_sink(certificates: Certificates | None = None, mutual: bool = False) -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            sink.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates["server.pem"], certificates["server.key"])
        if mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificates["ca.pem"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def grpc_sink(certificates: Certificates | None = None, mutual: bool = False) -> Iterator[Sink]:
    sink = Sink()

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            sink.requests.append((details.method, {name: str(text) for name, text in details.invocation_metadata}))
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    if certificates:
        files = [(Path(certificates["server.key"]).read_bytes(), Path(certificates["server.pem"]).read_bytes())]
        root = Path(certificates["ca.pem"]).read_bytes() if mutual else None
        credentials = grpc.ssl_server_credentials(files, root_certificates=root, require_client_auth=mutual)
        sink.port = server.add_secure_port("localhost:0", credentials)
    else:
        sink.port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield sink
    finally:
        server.stop(0.5).wait()


SINKS = {"grpc": grpc_sink, "http/protobuf": http_sink}

"""A small OTLP receiver: gRPC and HTTP, all three signals, on loopback, with bounded memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from distrokit_dev.grpc_endpoint import start_grpc
from distrokit_dev.http_endpoint import OTLPServer
from distrokit_dev.store import TelemetryStore

if TYPE_CHECKING:
    from typing_extensions import Self


class Receiver:
    """Listens from construction until :meth:`close`; a context manager.

    Args:
        host: the address to listen on.
        grpc_port: 0 for a free one.
        http_port: 0 for a free one.
        max_bytes: of all stored requests.
        max_request_bytes: of one request, after decompression.

    Raises:
        OSError: a port is in use; the message names it.

    Attributes:
        store: the received requests.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        grpc_port: int = 0,
        http_port: int = 0,
        max_bytes: int = 64 * 1024 * 1024,
        max_request_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.store = TelemetryStore(max_bytes)
        self.host = host
        with _name_address(host, http_port):
            self._http = OTLPServer((host, http_port), self.store, max_request_bytes)
        try:
            with _name_address(host, grpc_port):
                self._grpc, self.grpc_port = start_grpc(self.store, host, grpc_port, max_request_bytes)
        except OSError:
            self._http.server_close()
            raise
        self.http_port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="otlp-http", daemon=True)
        self._thread.start()

    def endpoint(self, protocol: str) -> str:
        """Return the value for ``OTEL_EXPORTER_OTLP_ENDPOINT``, for ``grpc`` or ``http/protobuf``."""
        return f"http://{self.host}:{self.grpc_port if protocol == 'grpc' else self.http_port}"

    def close(self) -> None:
        """Stop listening; wait at most a second for running requests."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._grpc.stop(1).wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def _name_address(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # socket.create_server appends the address to the reason.
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise OSError(f"cannot listen on {host}:{port}: {reason}") from error

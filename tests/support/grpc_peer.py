"""An OTLP receiver over gRPC that does as it is told."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from behaviours import MIB, Answer, Behaviour
from google.protobuf.message import DecodeError
from ledger import Request
from otlp_items import SERVICES, Service
from peer import TLS, Peer


class _Calls(grpc.GenericRpcHandler):
    def __init__(self, peer: GRPCPeer) -> None:
        self._peer, self._stopping = peer, peer.stopping
        self._services = {service.method: service for service in SERVICES.values()}

    def service(self, call: Any) -> Any:
        service = self._services.get(call.method)
        headers = {name: str(text) for name, text in call.invocation_metadata}
        request = Request(service.signal if service else "", call.method, headers)
        self._peer.ledger.arrived(request)
        if service is None:
            return None
        return grpc.unary_unary_rpc_method_handler(functools.partial(self._serve, service, request))

    def _serve(self, service: Service, request: Request, body: bytes, context: Any) -> bytes:
        request.port = int(context.peer().rpartition(":")[2])
        here, wait, gone = context.is_active, self._peer.wait, Answer(code=grpc.StatusCode.UNAVAILABLE)
        try:
            ids = self._peer.ledger.read(request, body)
        except DecodeError as error:
            self._abort(request, context, Answer(code=grpc.StatusCode.INVALID_ARGUMENT, message=str(error)))
        answer = self._peer.answer(service.signal, lambda: ids)
        if answer.cut == "request":
            self._abort(request, context, gone)
        if answer.before and not wait(self._stopping, answer.before, here):
            self._abort(request, context, gone)
        if answer.counted:
            self._peer.ledger.count(request, answer.rejected)
        seconds = answer.after + answer.dribble * (answer.length or 1)
        if answer.cut == "answer" or (seconds and not wait(self._stopping, seconds, here)):
            self._abort(request, context, gone)
        if answer.code:
            self._abort(request, context, answer)
        request.answered = "OK"
        return _up_to(8 * MIB, answer.pieces(service))

    def _abort(self, request: Request, context: Any, answer: Answer) -> None:
        request.answered = answer.code.name if answer.code else ""
        context.set_trailing_metadata(answer.trailers())
        # As a client says it when the connection ends, which cannot be done to one request alone.
        context.abort(answer.code, answer.message or "Socket closed")


class GRPCPeer(Peer):
    """OTLP over gRPC. A request above ``max_receive_bytes`` is refused by gRPC itself, and its ``size`` stays 0."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        port: int = 0,
        tls: TLS | None = None,
        max_receive_bytes: int = 4 * MIB,
    ) -> None:
        super().__init__(behaviour, port, tls)
        self.max_receive_bytes = max_receive_bytes

    def _listen(self) -> None:
        if self.port:
            # gRPC would write to stderr.
            socket.create_server(("127.0.0.1", self.port)).close()
        self._server = grpc.server(
            ThreadPoolExecutor(32),
            handlers=[_Calls(self)],
            options=[("grpc.max_receive_message_length", self.max_receive_bytes), ("grpc.so_reuseport", 0)],
        )
        address = f"127.0.0.1:{self.port}"
        try:
            if self.tls:
                self.port = self._server.add_secure_port(address, self.tls.credentials())
            else:
                self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        self._server.start()

    def _close(self) -> None:
        self._server.stop(0.2).wait(3)


def _up_to(size: int, pieces: Iterator[bytes]) -> bytes:
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) >= size:
            break
    return bytes(whole)

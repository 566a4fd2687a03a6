"""What a peer does with a request: answers, good and hostile, and how they compose."""

from __future__ import annotations

import email.utils
import functools
import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from otlp_items import Service

MIB = 1024 * 1024
PROTOBUF = "application/x-protobuf"

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True)
class Answer:
    """What happens to one request. HTTP reads ``status``, gRPC ``code``.

    Attributes:
        code: ``None`` is OK.
        body: instead of the service's own answer; HTTP streams it, gRPC sends its first pieces, up to 8 MiB.
        counted: whether its items go into the ledger.
        rejected: how many of its last items do not, and are named in a partial success with the ``message``.
        retry_after: seconds; a Retry-After header (as an HTTP date if ``as_date``), or a ``google.rpc.RetryInfo``
            in the trailing metadata ``google.rpc.retryinfo-bin`` (``grpc-status-details-bin`` if ``in_details``).
        before: seconds to wait before counting. Then a client that has gone is not counted.
        after: seconds to wait between counting and answering.
        cut: drops the connection: in the middle of the ``request``, or instead of an ``answer``.
        dribble: seconds between two bytes of the answer; gRPC only waits as long as that takes.
    """

    status: int = 200
    code: grpc.StatusCode | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Iterator[bytes]] | None = None
    length: int | None = None
    counted: bool = True
    rejected: int = 0
    retry_after: float | None = None
    as_date: bool = False
    in_details: bool = False
    before: float = 0.0
    after: float = 0.0
    cut: str = ""
    dribble: float = 0.0
    dribble_head: bool = False

    def http_headers(self) -> dict[str, str]:
        """Those of HTTP, the delay among them."""
        headers = {"content-type": PROTOBUF, **self.headers}
        if self.retry_after is not None:
            date = email.utils.formatdate(time.time() + self.retry_after, usegmt=True)
            headers["retry-after"] = date if self.as_date else f"{self.retry_after:g}"
        return headers

    def trailers(self) -> list[tuple[str, bytes]]:
        """Those of gRPC: the delay."""
        if self.retry_after is None:
            return []
        delay = Duration()
        delay.FromNanoseconds(round(self.retry_after * 1e9))
        info = RetryInfo(retry_delay=delay)
        if not self.in_details:
            return [("google.rpc.retryinfo-bin", info.SerializeToString())]
        status = Status(code=self.code.value[0] if self.code else 0, message=self.message)
        status.details.add().Pack(info)
        return [("grpc-status-details-bin", status.SerializeToString())]

    def pieces(self, service: Service) -> Iterator[bytes]:
        """The body of the answer."""
        if self.body:
            return self.body()
        message: Any = service.answer()
        if self.status >= 300:
            message = Status(code=3, message=self.message)
        elif self.rejected:
            setattr(message.partial_success, service.rejected, self.rejected)
        if self.message and self.status < 300:
            message.partial_success.error_message = self.message
        return iter([message.SerializeToString()])


#: Called with the signal, the number of the request (from 1, for each signal, since this behaviour is in force), and
#: a function that reads the request and returns its ids in order.
Behaviour = Callable[[str, int, Callable[[], "list[str]"]], Answer]


def always(answer: Answer) -> Behaviour:
    return lambda signal, number, items: answer


def first(times: int, behaviour: Behaviour, then: Behaviour | None = None) -> Behaviour:
    """For the first requests of each signal; afterwards the other, which counts from 1."""
    rest = then or accept()
    return lambda s, n, items: behaviour(s, n, items) if n <= times else rest(s, n - times, items)


def sometimes(fraction: float, behaviour: Behaviour, otherwise: Behaviour | None = None, seed: int = 0) -> Behaviour:
    """For a fraction of all requests, drawn at random but the same with the same seed."""
    draw, rest = random.Random(seed), otherwise or accept()

    def drawn(signal: str, number: int, items: Callable[[], list[str]]) -> Answer:
        return (behaviour if draw.random() < fraction else rest)(signal, number, items)

    return drawn


def only(signal: str, behaviour: Behaviour, otherwise: Behaviour | None = None) -> Behaviour:
    """For one signal."""
    rest = otherwise or accept()
    return lambda s, n, items: (behaviour if s == signal else rest)(s, n, items)


def accept() -> Behaviour:
    """Counts, and answers with full success."""
    return always(Answer())


def refuse(
    status: int,
    code: grpc.StatusCode | None = None,
    *,
    retry_after: float | None = None,
    as_date: bool = False,
    in_details: bool = False,
    message: str = "refused",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Counts nothing; the code of gRPC is what goes with the status unless given."""
    code = code or CODES[status]
    return always(
        Answer(
            status,
            code,
            message,
            headers or {},
            counted=False,
            retry_after=retry_after,
            as_date=as_date,
            in_details=in_details,
        )
    )


def hang(seconds: float) -> Behaviour:
    """Counts and answers after so long, if the client is still there."""
    return always(Answer(before=seconds))


def slow(seconds: float) -> Behaviour:
    """Counts at once, answers after so long."""
    return always(Answer(after=seconds))


def never() -> Behaviour:
    """Takes the request, counts nothing, and says nothing until the peer is stopped or an hour is over."""
    return always(Answer(before=3600, counted=False))


def partial(rejected: int, message: str = "rejected") -> Behaviour:
    """Counts all but the last items; with 0 it is a success with a warning."""
    return always(Answer(message=message, rejected=rejected))


def html(status: int = 200) -> Behaviour:
    """A page, as of a proxy; counts nothing. Over gRPC it is bytes that are no answer."""
    return _other(status, b"<html><body>Welcome</body></html>", "text/html", counted=False)


def json_answer() -> Behaviour:
    """Counts, and answers in JSON."""
    return _other(200, b'{"partialSuccess":{}}', "application/json", counted=True)


def redirect(location: str, status: int = 307) -> Behaviour:
    """Counts nothing. gRPC has no such thing: UNKNOWN, as its clients say of HTTP's status."""
    return always(Answer(status, grpc.StatusCode.UNKNOWN, "redirect", {"location": location}, counted=False))


def drop_after_counting() -> Behaviour:
    """Counts, and closes the connection without an answer; over gRPC UNAVAILABLE."""
    return always(Answer(cut="answer"))


def reset_in_body() -> Behaviour:
    """Counts nothing, resets the connection when half the body is read; over gRPC UNAVAILABLE."""
    return always(Answer(cut="request", counted=False))


def dribble(interval: float, length: int = 64, *, head: bool = False) -> Behaviour:
    """Counts, and answers a byte at a time; an OTLP answer with a field nobody knows, of so many bytes (2 to 129)."""
    body = bytes([15 << 3 | 2, length - 2]) + bytes(length - 2)
    return always(Answer(body=lambda: iter([body]), length=length, dribble=interval, dribble_head=head))


def huge(size: int = 200 * MIB) -> Behaviour:
    """Counts, and answers with so many bytes, made while they are sent."""
    pieces = lambda: (bytes(min(MIB // 4, size - at)) for at in range(0, size, MIB // 4))  # noqa: E731
    return always(Answer(body=pieces, length=size))


def gzip_bomb(size: int = 300 * MIB) -> Behaviour:
    """Counts, and answers with little that unpacks to so many bytes; over gRPC it is just little."""
    return lambda *_: Answer(body=lambda: iter([_bomb(size)]), headers={"content-encoding": "gzip"})


@functools.cache
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(bytes(min(MIB, size - at))) for at in range(0, size, MIB)) + packer.flush()


def _other(status: int, body: bytes, kind: str, *, counted: bool) -> Behaviour:
    return always(
        Answer(status, CODES.get(status), headers={"content-type": kind}, body=lambda: iter([body]), counted=counted)
    )

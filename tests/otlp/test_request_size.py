"""A request that is too large, in whatever words it is refused: all of its items arrive but single ones that are it."""

from __future__ import annotations

from collections import Counter
from itertools import product

import grpc
import pytest
from exporting import GRPCIO, exporting
from made import SIGNALS
from nginx import NGINX, Nginx
from peers import MIB, PEERS, Behaviour, accept, refuse
from piping import piped

from distrokit_otlp.request_size import RequestSize

CODE = grpc.StatusCode
WAYS = pytest.mark.parametrize(("protocol", "signal"), list(product([*PEERS, GRPCIO], SIGNALS)))
ONE_FOR_EACH = pytest.mark.parametrize(("protocol", "signal"), [("grpc", "traces"), ("http/protobuf", "logs")])

#: By whom: (status, code, words).
REFUSALS = {
    "the Collector": (400, CODE.RESOURCE_EXHAUSTED, "http: request body too large"),
    "grpc-go": (500, CODE.RESOURCE_EXHAUSTED, "grpc: received message larger than max (4194305 vs. 4194304)"),
    "what stands before grpc-go": (429, CODE.INTERNAL, "received message after decompression larger than max"),
    "an ingress": (413, CODE.UNKNOWN, "Received http2 header with status: 413"),
    "an API": (400, CODE.INVALID_ARGUMENT, "Request payload size exceeds the limit: 10485760 bytes."),
    "a function": (422, CODE.FAILED_PRECONDITION, "Request must be smaller than 6291456 bytes"),
}
#: Refusals with a limit in their words that is not one of the request's size.
OTHERS = [
    (400, CODE.RESOURCE_EXHAUSTED, "ingestion rate limit exceeded (limit: 4194304 bytes per second)"),
    (431, CODE.RESOURCE_EXHAUSTED, "received metadata size exceeds limit"),
    (400, CODE.INVALID_ARGUMENT, "the trace id is invalid"),
    (401, CODE.UNAUTHENTICATED, "the body size exceeds what this key may send"),
]


def above(items: int, refusal: Behaviour) -> Behaviour:
    """Refuse what has more items."""
    return lambda s, n, ids: (refusal if len(ids()) > items else accept())(s, n, ids)


def above_bytes(peer, size: int, refusal: Behaviour) -> Behaviour:
    """Refuse larger requests."""

    def behaviour(signal, number, ids):
        ids()
        return (refusal if peer.ledger.requests[-1].size > size else accept())(signal, number, ids)

    return behaviour


@pytest.mark.parametrize("whose", REFUSALS)
@WAYS
def test_all_items_arrive(protocol, signal, whose):
    status, code, words = REFUSALS[whose]
    with (
        PEERS[protocol](above(3, refuse(status, code, message=words))) as peer,
        exporting(protocol, signal, peer) as sent,
    ):
        assert sent.attempt(range(20)) is None
        assert sent.lost == []
        assert sent.arrived == Counter(map(str, range(20)))


@pytest.mark.parametrize(("status", "code", "words"), OTHERS)
@ONE_FOR_EACH
def test_a_refusal_for_another_reason_is_not_split(protocol, signal, status, code, words):
    with PEERS[protocol](refuse(status, code, message=words)) as peer, exporting(protocol, signal, peer) as sent:
        sent.attempt(range(20))
        assert sent.requests == 1


@WAYS
def test_only_the_item_that_is_too_large_is_lost_and_it_is_named(protocol, signal):
    status, code, words = REFUSALS["the Collector"]
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer) as sent:
        peer.behave(above_bytes(peer, 30_000, refuse(status, code, message=words)))
        assert sent.left(sent.attempt(range(64), padding={**dict.fromkeys(range(64), 1000), 40: 50_000})) == 0
        ((items, reason, cause),) = sent.lost
        assert (items, reason) == (1, "too_large")
        name = {"traces": "span 'a span', 5", "logs": "log record of 'made', 5", "metrics": "data point of "}[signal]
        assert cause.startswith(name)
        assert " bytes: " in cause
        assert words in cause
        assert sent.arrived == Counter(map(str, {*range(64)} - {40}))
        assert sent.requests <= 16


@WAYS
def test_many_items_that_are_too_large_are_found_with_few_requests(protocol, signal):
    status, code, words = REFUSALS["the Collector"]
    with PEERS[protocol](refuse(status, code, message=words)) as peer, exporting(protocol, signal, peer) as sent:
        assert sent.left(sent.attempt(range(512), padding=100)) == 0
        assert sum(items for items, reason in sent.losses if reason == "too_large") == 512
        # Halves down to a single item, and some single ones.
        assert sent.requests <= 30


@WAYS
def test_the_next_batch_has_the_size_that_was_taken(protocol, signal):
    status, code, words = REFUSALS["the Collector"]
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer) as sent:
        peer.behave(above_bytes(peer, 40_000, refuse(status, code, message=words)))
        for first in (0, 100, 200):
            assert sent.attempt(range(first, first + 100), padding=1000) is None
            if not first:
                refused = sum(request.size > 40_000 for request in peer.ledger.requests)
        assert refused > 0
        assert sum(request.size > 40_000 for request in peer.ledger.requests) == refused
        assert sent.arrived == Counter(map(str, range(300)))


def test_the_limit_is_raised_again_and_less_often_where_that_is_refused():
    now = [0.0]
    size = RequestSize(1000, lambda: now[0])
    size.refused(900)
    assert size.limit() == 450
    # Of a smaller part of the same batch.
    size.refused(440)
    assert size.limit() == 220
    now[0] = 10
    assert size.limit() == 440
    size.refused(430)
    now[0] = 29
    assert size.limit() == 215
    now[0] = 30
    assert size.limit() == 430
    now[0] = 50
    assert size.limit() == 860
    now[0] = 70
    assert size.limit() == 1000
    now[0] = 1e9
    assert size.limit() == 1000


@ONE_FOR_EACH
def test_a_line_says_what_was_too_large(protocol, signal):
    status, code, words = REFUSALS["the Collector"]
    with PEERS[protocol]() as peer, piped(protocol, signal, peer) as pipe:
        peer.behave(lambda s, n, ids: (refuse(status, code, message=words) if "5" in ids() else accept())(s, n, ids))
        pipe.put(*range(10))
        pipe.flush()
        assert pipe.arrived == Counter(map(str, {*range(10)} - {5}))
    (line,) = pipe.said
    assert "1 span lost" in line or "1 log record lost" in line
    assert "larger than the receiver accepts" in line
    assert ("span 'a span'" if signal == "traces" else "log record of 'piped'") in line
    assert words in line


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@WAYS
def test_nginx_in_front_of_the_receiver(protocol, signal, tmp_path):
    options = {"max_receive_bytes": 64 * MIB}
    with PEERS[protocol](**options) as peer, Nginx(tmp_path, protocol, peer.port, 100_000) as ingress:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": ingress.endpoint}
        with exporting(protocol, signal, peer, environ) as sent:
            assert sent.left(sent.attempt(range(100), padding={**dict.fromkeys(range(100), 6000), 40: 200_000})) == 0
            assert sent.losses == [(1, "too_large")]
            assert sent.arrived == Counter(map(str, {*range(100)} - {40}))
            assert not peer.ledger.duplicated(signal)

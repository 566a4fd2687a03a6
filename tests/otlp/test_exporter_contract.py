"""One contract for the OTLP exporters, over each transport and for each signal: what a receiver does, what comes of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product

import grpc
import pytest
from exporting import GRPCIO, Exporting, exporting
from made import SIGNALS, made
from peers import (
    MIB,
    PEERS,
    Answer,
    accept,
    always,
    dribble,
    drop_after_counting,
    first,
    hang,
    html,
    never,
    partial,
    refuse,
    reset_in_body,
    silent_peer,
    slow,
)
from plans import plugin
from relay import Relay

#: Long enough on a busy machine for what ends by itself, and far below what the peers here would take.
SOON = 8
SHORT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "500"}
CODE = grpc.StatusCode


@pytest.fixture(
    params=product([*PEERS, GRPCIO], SIGNALS),
    ids=lambda pair: f"{'grpcio' if pair[0] is GRPCIO else pair[0].partition('/')[0]}-{pair[1]}",
)
def way(request) -> Iterator[tuple[str, str]]:
    """Protocol and signal."""
    return request.param


@pytest.fixture
def sent(way) -> Iterator[Exporting]:
    """An exporter and a receiver that takes everything."""
    protocol, signal = way
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer) as found:
        yield found


@pytest.fixture
def hurried(way) -> Iterator[Exporting]:
    """An exporter whose timeout is half a second, and a receiver that takes everything."""
    protocol, signal = way
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer, SHORT) as found:
        yield found


def in_small_requests(options: object) -> None:
    options.arguments["max_request_size"] = 20_000


@pytest.fixture
def small(way) -> Iterator[Exporting]:
    """An exporter that sends 20 kB at once."""
    protocol, signal = way
    with (
        PEERS[protocol]() as peer,
        exporting(protocol, signal, peer, small=plugin(distrokit_exporter_options=in_small_requests)) as found,
    ):
        yield found


def both(http: range | list[int], codes: list[grpc.StatusCode], **options) -> dict[str, list]:
    """Refusals for each protocol."""
    return {
        "http/protobuf": [refuse(status, CODE.UNKNOWN, **options) for status in http],
        "grpc": [refuse(503, code, **options) for code in codes],
    }


PASSING = [CODE.CANCELLED, CODE.DEADLINE_EXCEEDED, CODE.ABORTED, CODE.OUT_OF_RANGE, CODE.UNAVAILABLE, CODE.DATA_LOSS]
FINAL = [
    CODE.INVALID_ARGUMENT,
    CODE.NOT_FOUND,
    CODE.ALREADY_EXISTS,
    CODE.FAILED_PRECONDITION,
    CODE.UNIMPLEMENTED,
    CODE.INTERNAL,
    CODE.UNKNOWN,
    CODE.RESOURCE_EXHAUSTED,
]
CREDENTIALS = [CODE.UNAUTHENTICATED, CODE.PERMISSION_DENIED]

# ------------------------------------------------------------------------------ verdicts


def test_taken(sent):
    assert sent.attempt("abc") is None
    assert sent.arrived == Counter("abc")
    assert (sent.requests, sent.lost) == (1, [])


def test_nothing_is_not_sent(sent):
    assert sent.attempt("") is None
    assert sent.peer.ledger.requests == []


@pytest.mark.parametrize("retry_after", [None, 7])
def test_what_passes_may_be_tried_again(way, sent, retry_after):
    refusals = both([429, 502, 503, 504], PASSING, retry_after=retry_after)[way[0]]
    if retry_after and way[0] == "grpc":
        refusals.append(refuse(429, CODE.RESOURCE_EXHAUSTED, retry_after=retry_after))
    for number, refusal in enumerate(refusals, 1):
        sent.peer.behave(refusal)
        left = sent.attempt("abc")
        assert (sent.left(left), left.wait_seconds, left.reached) == (3, retry_after, True), number
        assert left.cause
        assert sent.peer.ledger.requests[-1].accepted is False
    assert sent.lost == []
    sent.peer.behave(accept())
    assert sent.exporter.attempt(left.items, 5) is None
    assert sent.arrived == Counter("abc")


def test_forms_of_a_wait(way, sent):
    form = {"in_details": True} if way[0] == "grpc" else {"as_date": True}
    sent.peer.behave(refuse(503, retry_after=120, **form))
    assert 115 < sent.attempt("a").wait_seconds <= 120
    for nonsense in ("soon", "-5", "", "nan", "1e400"):
        sent.peer.behave(always(Answer(503, CODE.UNAVAILABLE, headers={"retry-after": nonsense}, counted=False)))
        wait = sent.attempt("a").wait_seconds
        assert wait is None or 0 <= wait <= 86_400


def test_what_is_final_is_sent_once_and_lost(way, sent):
    refusals = both([400, 404, 405, 408, 410, 418, 500, 501, 505], FINAL, message="no: because")[way[0]]
    for number, refusal in enumerate(refusals, 1):
        sent.peer.behave(refusal)
        left = sent.attempt("abc")
        assert left is not None
        assert sent.left(left) == 0
        assert sent.requests == number
        items, reason, cause = sent.lost[-1]
        assert (len(sent.lost), items, reason) == (number, 3, "failed")
        assert "no: because" in cause
        assert cause == left.cause
    assert not sent.arrived


def test_refused_credentials_name_the_headers(way):
    protocol, signal = way
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hush-hush"}
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer, secret) as sent:
        for refusal in both([401, 403], CREDENTIALS)[protocol]:
            peer.behave(refusal)
            assert sent.left(sent.attempt("abc")) == 0
        assert sent.requests == 2
        assert [request.headers["authorization"] for request in peer.ledger.requests] == ["Bearer hush-hush"] * 2
        for items, reason, cause in sent.lost:
            assert (items, reason) == (3, "failed")
            assert "OTEL_EXPORTER_OTLP_HEADERS" in cause
            assert "hush" not in cause


def test_partial_success_is_counted(sent):
    sent.peer.behave(partial(2, "two are too old"))
    assert sent.attempt("abcde") is None
    assert sent.arrived == Counter("abc")
    assert sent.lost == [(2, "rejected", "two are too old")]
    sent.peer.behave(partial(0, "this goes out of use"))
    assert sent.attempt("f") is None
    assert sent.losses == [(2, "rejected")]
    assert sent.requests == 2


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("number", [2, "2"])
def test_partial_success_in_json(signal, number):
    name = {"traces": "rejectedSpans", "metrics": "rejectedDataPoints", "logs": "rejectedLogRecords"}[signal]
    body = json.dumps({"partialSuccess": {name: number, "errorMessage": "two are too old"}}).encode()
    answer = Answer(headers={"content-type": "application/json"}, body=lambda: iter([body]), rejected=2)
    with PEERS["http/protobuf"](always(answer)) as peer, exporting("http/protobuf", signal, peer) as sent:
        assert sent.attempt("abcde") is None
        assert sent.lost == [(2, "rejected", "two are too old")]
        assert sent.arrived == Counter("abc")


def test_a_page_is_no_success(sent):
    sent.peer.behave(html())
    assert sent.left(sent.attempt("abc")) == 0
    assert sent.losses == [(3, "failed")]
    assert sent.requests == 1
    assert sent.lost[0][2]


# -------------------------------------------------------------------------------- export


def test_export_tries_again_until_it_is_taken(sent):
    sent.peer.behave(first(2, refuse(503, retry_after=0.05)))
    assert sent.exporter.export(made(sent.signal, "abc")).name == "SUCCESS"
    assert sent.arrived == Counter("abc")
    assert (sent.requests, sent.lost) == (3, [])


def test_export_does_not_wait_longer_than_it_may(sent):
    sent.peer.behave(refuse(503, retry_after=3600))
    begin = time.monotonic()
    assert sent.exporter.export(made(sent.signal, "abc")).name == "FAILURE"
    assert time.monotonic() - begin < SOON
    assert sent.requests == 1
    assert sent.losses == [(3, "failed")]


def test_export_after_shutdown(sent):
    assert sent.attempt("a") is None
    sent.exporter.shutdown()
    sent.exporter.shutdown()
    assert sent.exporter.export(made(sent.signal, "b")).name == "FAILURE"
    assert sent.arrived == Counter("a")
    assert sent.lost == [(1, "after_shutdown", "")]
    assert sent.exporter.force_flush()


def test_a_restarted_receiver_is_found(sent):
    assert sent.attempt("a") is None
    sent.peer.stop()
    left = sent.attempt("b")
    assert (sent.left(left), left.reached) == (1, False)
    assert left.cause
    sent.peer.start()
    end = time.monotonic() + 15
    # grpc waits before it connects again.
    while (left := sent.exporter.attempt(left.items, 2)) is not None and time.monotonic() < end:
        assert left.items
    assert left is None
    assert sent.arrived == Counter("ab")


def test_a_name_that_cannot_be_resolved(way):
    protocol, signal = way
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://nowhere.invalid:4318"}
    with PEERS[protocol]() as peer, exporting(protocol, signal, peer, nowhere) as sent:
        left = sent.attempt("abc", 4)
        assert (sent.left(left), left.reached, sent.lost) == (3, False, [])


# --------------------------------------------------------------------------------- sizes


def test_requests_are_split_below_the_limit(sent):
    assert sent.attempt(range(400), padding=20_000) is None
    assert sent.arrived == Counter(map(str, range(400)))
    assert 2 <= sent.requests <= 4
    assert all(0 < request.size < 4 * MIB for request in sent.peer.ledger.requests)
    assert sent.lost == []


def test_many_items_are_split(sent):
    # What the SDK makes of spans and records takes longer than the rest of the test.
    number, padding = (30_000, 150) if sent.signal == "metrics" else (3_000, 1_500)
    assert sent.attempt(range(number), 60, padding=padding) is None
    assert sent.arrived == Counter(map(str, range(number)))
    assert all(0 < request.size < 4 * MIB for request in sent.peer.ledger.requests)
    assert sent.requests > 1
    assert sent.lost == []


def test_ten_megabytes_in_one_item_cost_nobody_else(way, sent):
    """gRPC's receivers do not take it; HTTP's do."""
    assert sent.left(sent.attempt(range(9), padding={4: 10_000_000})) == 0
    wanted = Counter("0123456789"[:9])
    if way[0] == "grpc":
        del wanted["4"]
        assert sent.losses == [(1, "too_large")]
    else:
        assert sent.lost == []
    assert sent.arrived == wanted


def test_a_receiver_with_a_lower_limit(way):
    protocol, signal = way
    with PEERS[protocol](max_receive_bytes=30_000) as peer, exporting(protocol, signal, peer) as sent:
        left = sent.attempt(range(16), padding={**dict.fromkeys(range(16), 5000), 11: 40_000})
        assert sent.left(left) == 0
        assert sent.losses == [(1, "too_large")]
        assert sent.lost[0][2]
        assert sent.arrived == Counter(map(str, {*range(16)} - {11}))


def test_too_large_in_words_of_others(way, sent):
    """Of tonic and of grpc-go; and 413 of a proxy that reads nothing of it."""
    refusals = [
        refuse(
            413, CODE.OUT_OF_RANGE, message="Error, decoded message length too large: found 9 bytes, the limit is: 8"
        ),
        refuse(413, CODE.RESOURCE_EXHAUSTED, message="grpc: received message after decompression larger than max 8"),
    ]
    for number, refusal in enumerate(refusals):
        ids = [f"{number}-{one}" for one in range(5)]
        alone = lambda s, n, items, refusal=refusal: (refusal if len(items()) > 1 else accept())(s, n, items)  # noqa: E731
        sent.peer.behave(alone)
        assert sent.attempt(ids) is None
        assert sent.peer.ledger.lost(ids, sent.signal) == []
    assert sent.lost == []
    assert not sent.peer.ledger.duplicated(sent.signal)


def test_a_part_that_is_refused_costs_only_itself(small):
    small.peer.behave(lambda s, n, items: (refuse(400) if "5" in items() else accept())(s, n, items))
    assert small.left(small.attempt(range(16), padding=4_000)) == 0
    ((lost, reason, _),) = small.lost
    assert reason == "failed"
    assert 0 < lost < 8
    assert len(small.arrived) + lost == 16
    assert not small.peer.ledger.duplicated(small.signal)


def test_parts_that_were_taken_are_not_sent_again(small):
    small.peer.behave(lambda s, n, items: (refuse(503) if n == 2 else accept())(s, n, items))
    left = small.attempt(range(16), padding=4_000)
    assert 0 < small.left(left) == 16 - len(small.arrived) < 16
    assert small.exporter.attempt(left.items, 8) is None
    assert small.arrived == Counter(map(str, range(16)))
    assert small.lost == []


# -------------------------------------------------------------------- no answer, and how often


def again_and_again(sent: Exporting, ids: str, times: int = 6) -> object:
    """Try as a processor does until nothing is left, or the receiver was asked so often; at most 10 seconds."""
    seen, end = len(sent.peer.ledger.requests) + times, time.monotonic() + 10
    left = sent.attempt(ids)
    while sent.left(left) and len(sent.peer.ledger.requests) < seen and time.monotonic() < end:
        if not left.reached:
            # grpc lets some time pass before it connects again.
            time.sleep(0.05)
        left = sent.exporter.attempt(left.items, 8)
    return left


HOSTILE: dict[str, Callable] = {
    "hangs": lambda: hang(20),
    "says nothing": never,
    "counts and says nothing": lambda: slow(20),
    "dribbles": lambda: dribble(0.1, 129),
    "dribbles its head": lambda: dribble(0.1, 129, head=True),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_attempt_ends_in_time(sent, what):
    sent.peer.behave(HOSTILE[what]())
    begin = time.monotonic()
    left = sent.attempt("abc", 0.5)
    assert time.monotonic() - begin < SOON
    assert (sent.left(left), left.reached) == (3, True)
    assert left.cause
    sent.peer.behave(accept())
    assert sent.exporter.attempt(left.items, 8) is None
    assert max(sent.arrived.values()) <= 2
    assert set(sent.arrived) == set("abc")
    assert sent.lost == []


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_leads_nowhere_ends_in_time(way, reset):
    protocol, signal = way
    with silent_peer(reset=reset) as peer, exporting(protocol, signal, peer) as sent:
        begin = time.monotonic()
        left = sent.attempt("abc", 0.5)
        assert time.monotonic() - begin < SOON
        assert sent.left(left) == 3


def test_the_timeout_is_the_setting(hurried):
    hurried.peer.behave(hang(20))
    begin = time.monotonic()
    assert hurried.exporter.export(made(hurried.signal, "abc")).name == "FAILURE"
    assert time.monotonic() - begin < SOON
    assert hurried.losses == [(3, "failed")]


@pytest.fixture
def dropped(way) -> Iterator[tuple[Exporting, Callable]]:
    """An exporter, and what makes its receiver count and end the connection: ``only_with_items``, or always."""
    protocol, signal = way
    with PEERS[protocol]() as peer:
        if protocol == "grpc":
            with (
                Relay(peer) as relay,
                exporting(protocol, signal, peer, {"OTEL_EXPORTER_OTLP_ENDPOINT": relay.endpoint}) as sent,
            ):
                yield sent, relay.cut_after_counting
        else:
            drop = drop_after_counting()
            with_items = lambda s, n, items: (drop if items() else accept())(s, n, items)  # noqa: E731
            with exporting(protocol, signal, peer) as sent:
                yield sent, lambda only_with_items=False: with_items if only_with_items else drop


def test_counted_then_dropped_once(dropped):
    sent, drop = dropped
    sent.peer.behave(first(1, drop()))
    assert again_and_again(sent, "abc") is None
    assert set(sent.arrived) == set("abc")
    assert max(sent.arrived.values()) <= 2
    assert sent.lost == []


def test_counted_then_dropped_for_ever(dropped):
    sent, drop = dropped
    sent.peer.behave(drop())
    left = again_and_again(sent, "abc")
    assert sent.arrived == Counter("abc")
    assert (sent.left(left), sent.lost) == (3, [])


def test_counted_then_dropped_for_ever_by_one_that_is_there(dropped):
    """It answers an empty request, so that it is sent once more what it may have taken; and no more than once."""
    sent, drop = dropped
    sent.peer.behave(drop(only_with_items=True))
    left = again_and_again(sent, "abc")
    assert sent.arrived == Counter("abcabc")
    assert sent.left(left) == 0
    ((items, reason, _),) = sent.lost
    assert (items, reason) == (3, "unsure")


def test_what_was_never_answered_stays_so(dropped):
    """Whatever comes between: an answer that says no, and one to the empty request only."""
    sent, drop = dropped
    no, there = refuse(503), drop(only_with_items=True)
    for ids, then in {"abc": first(2, no, there), "xyz": first(1, accept(), first(1, no, there))}.items():
        sent.peer.behave(first(1, drop(), then))
        left = again_and_again(sent, ids, times=9)
        assert sent.left(left) == 0
        assert set(ids) <= set(sent.arrived)
        # Where grpc has not noticed yet that a connection has ended, one of them was never sent.
        assert max(sent.arrived.values()) <= 2


def test_counted_and_never_answered_for_ever(sent):
    sent.peer.behave(lambda s, n, items: (slow(20) if items() else accept())(s, n, items))
    left = sent.attempt("abc", 0.3)
    for _ in range(4):
        if sent.left(left):
            left = sent.exporter.attempt(left.items, 0.3)
    assert max(sent.arrived.values()) <= 2
    assert sent.left(left) == 0
    ((items, reason, _),) = sent.lost
    assert (items, reason) == (3, "unsure")


def test_only_what_was_sent_twice_is_given_up(small):
    """What comes after the part that was never answered has been sent once only."""
    small.peer.behave(lambda s, n, items: (slow(20) if "0" in items() else accept())(s, n, items))
    left = small.attempt(range(16), padding=4_000, seconds=0.5)
    assert small.left(left) == 16
    left = small.exporter.attempt(left.items, 0.5)
    if small.left(left):
        # The first part has taken all the time.
        assert small.exporter.attempt(left.items, 8) is None
    assert set(small.arrived) == set(map(str, range(16)))
    assert max(small.arrived.values()) == 2
    ((lost, reason, _),) = small.lost
    assert lost == sum(copies == 2 for copies in small.arrived.values()) < 8
    assert reason == "unsure"


def test_reset_in_the_body(sent):
    sent.peer.behave(first(1, reset_in_body()))
    assert again_and_again(sent, "abc") is None
    assert sent.arrived == Counter("abc")
    assert sent.lost == []


def test_hang_then_ok(hurried):
    hurried.peer.behave(first(3, hang(20)))
    assert again_and_again(hurried, "abc") is None
    assert set(hurried.arrived) == set("abc")
    assert max(hurried.arrived.values()) <= 2
    assert hurried.lost == []

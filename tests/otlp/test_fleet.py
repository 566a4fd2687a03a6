"""Several collectors behind one endpoint: which one gets a request, and what follows when one of them goes or comes."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from answering import closed_port, silent
from exporting import exporting
from http_peer import HTTPPeer
from made import made
from peers import PEERS, Peer, accept, first, hang, refuse

from distrokit_otlp.connection.connections import Connections, NoAddressLeftError
from distrokit_otlp.connection.connector import Connector
from distrokit_otlp.connection.failure import ConnectionFailure
from distrokit_otlp.connection.target import Address, Target, look_up, spread, target_of

PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))
PLAIN = {"OTEL_EXPORTER_OTLP_INSECURE": "true"}
IN_TURN = {"DISTROKIT_OTLP_BALANCING": "round_robin"}


def listing(*ports: int) -> dict[str, str]:
    """The endpoint with these ports."""
    return {**PLAIN, "OTEL_EXPORTER_OTLP_ENDPOINT": "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)}


@contextmanager
def fleet(protocol: str, number: int = 3):
    """Receivers of a protocol."""
    with ExitStack() as stack:
        yield [stack.enter_context(PEERS[protocol]()) for _ in range(number)]


def counts(peers: list[Peer]) -> list[int]:
    """The number of items of each."""
    return [sum(peer.ledger.ids("traces").values()) for peer in peers]


# -------------------------------------------------------------------------------- which one


@PROTOCOLS
def test_in_turn_each_gets_its_share(protocol):
    with fleet(protocol) as peers:
        env = {**listing(*(peer.port for peer in peers)), **IN_TURN}
        with exporting(protocol, "traces", peers[0], env) as sent:
            for number in range(90):
                assert sent.attempt([number]) is None
        assert counts(peers) == [30, 30, 30]
        # One connection to each.
        assert {peer.ledger.connections for peer in peers if isinstance(peer, HTTPPeer)} <= {1}


@PROTOCOLS
def test_one_is_kept_and_each_process_begins_with_another(protocol):
    with fleet(protocol) as peers:
        env = listing(*(peer.port for peer in peers))
        used = []
        for number in range(30):
            before = counts(peers)
            with exporting(protocol, "traces", peers[0], env) as sent:
                for one in "abc":
                    assert sent.attempt([f"{number}{one}"]) is None
            grown = [now - then for now, then in zip(counts(peers), before, strict=True)]
            assert sorted(grown) == [0, 0, 3]
            used.append(grown.index(3))
        assert set(used) == {0, 1, 2}


# ------------------------------------------------------------------------- one that is not there


@PROTOCOLS
@pytest.mark.parametrize("balancing", [{}, IN_TURN], ids=["one", "in turn"])
def test_a_refused_connection_goes_on_to_the_next_within_the_attempt(protocol, balancing):
    with fleet(protocol, 1) as peers:
        env = {**listing(closed_port(), closed_port(), peers[0].port), **balancing}
        with exporting(protocol, "traces", peers[0], env) as sent:
            for one in "abcdef":
                assert sent.attempt(one) is None
            assert sent.arrived == Counter("abcdef")


@PROTOCOLS
def test_none_of_them_is_there(protocol):
    with fleet(protocol, 1) as peers:
        ports = closed_port(), closed_port()
        with exporting(protocol, "traces", peers[0], listing(*ports)) as sent:
            left = sent.attempt("abc")
            assert (sent.left(left), left.reached, sent.lost) == (3, False, [])
            assert left.cause.startswith("connection refused at ")


@PROTOCOLS
@pytest.mark.parametrize("balancing", [{}, IN_TURN], ids=["one", "in turn"])
def test_a_receiver_that_is_too_busy_is_passed_over_within_the_attempt(protocol, balancing):
    with fleet(protocol) as peers:
        for peer in peers[:2]:
            peer.behave(refuse(503, grpc.StatusCode.UNAVAILABLE))
        env = {**listing(*(peer.port for peer in peers)), **balancing}
        with exporting(protocol, "traces", peers[2], env) as sent:
            for one in "abcdef":
                assert sent.attempt(one) is None
            assert sent.arrived == Counter("abcdef")
        for peer in peers[:2]:
            peer.behave(accept())


@PROTOCOLS
def test_all_are_too_busy(protocol):
    with fleet(protocol) as peers:
        for peer in peers:
            peer.behave(refuse(503, grpc.StatusCode.UNAVAILABLE))
        with exporting(protocol, "traces", peers[0], listing(*(peer.port for peer in peers))) as sent:
            left = sent.attempt("abc")
            assert (sent.left(left), left.reached, sent.lost) == (3, True, [])
        # Each was asked once.
        assert [len(peer.ledger.requests) for peer in peers] == [1, 1, 1]


@PROTOCOLS
def test_a_receiver_that_asks_to_wait_is_obeyed(protocol):
    with fleet(protocol) as peers:
        for peer in peers:
            peer.behave(refuse(503, grpc.StatusCode.UNAVAILABLE, retry_after=7))
        with exporting(protocol, "traces", peers[0], listing(*(peer.port for peer in peers))) as sent:
            assert sent.attempt("abc").wait_seconds == 7
        assert sum(len(peer.ledger.requests) for peer in peers) == 1


@pytest.mark.parametrize("hanging", [hang(20), refuse(504, grpc.StatusCode.DEADLINE_EXCEEDED)], ids=["", "says so"])
@PROTOCOLS
def test_a_receiver_that_lets_the_time_pass_is_left_with_the_next_attempt(protocol, hanging):
    with (
        fleet(protocol, 2) as peers,
        exporting(protocol, "traces", peers[0], listing(*(peer.port for peer in peers))) as sent,
    ):
        assert sent.attempt("a") is None
        used = next(peer for peer in peers if peer.ledger.requests)
        used.behave(hanging)
        left = sent.attempt("b", 0.5)
        assert sent.left(left) == 1
        assert sent.exporter.attempt(left.items, 5) is None
        (other,) = [peer for peer in peers if peer is not used]
        assert other.ledger.ids("traces") == {"b": 1}


@PROTOCOLS
def test_an_address_that_drops_packets_takes_its_share_of_the_time_only(protocol):
    """Nothing accepts there: its queue is full, as behind a firewall."""
    with fleet(protocol, 1) as peers, socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        try:
            env = {**listing(full.getsockname()[1], peers[0].port), **IN_TURN}
            with exporting(protocol, "traces", peers[0], env) as sent:
                for one in "ab":
                    assert sent.attempt(one, 6) is None
        finally:
            for one in waiting:
                one.close()


@PROTOCOLS
def test_a_receiver_that_accepts_and_says_nothing(protocol):
    with fleet(protocol, 1) as peers, silent() as port:
        env = {**listing(port, peers[0].port), **IN_TURN}
        with exporting(protocol, "traces", peers[0], env) as sent:
            left = None
            for one in "ab":
                left = sent.attempt(one, 3)
                while left is not None:
                    left = sent.exporter.attempt(left.items, 3)
            assert set(sent.arrived) == set("ab")


@PROTOCOLS
def test_one_is_killed_and_one_is_added_under_load(protocol):
    """All arrives, and the shares follow."""
    with fleet(protocol, 4) as peers:
        peers[3].stop()
        env = {**listing(*(peer.port for peer in peers)), **IN_TURN}
        with exporting(protocol, "traces", peers[0], env) as sent:
            numbers = iter(range(10_000))

            def load(count):
                for _ in range(count):
                    left = sent.attempt([next(numbers)], 5)
                    while left is not None:
                        left = sent.exporter.attempt(left.items, 5)

            load(60)
            begin = counts(peers)
            assert all(16 <= count <= 24 for count in begin[:3])
            peers[0].stop()
            peers[3].start()
            # Until the one that was not there is asked again.
            end = time.monotonic() + 10
            while not counts(peers)[3] and time.monotonic() < end:
                load(3)
                time.sleep(0.1)
            begin = counts(peers)
            load(90)
            grown = [now - then for now, then in zip(counts(peers), begin, strict=True)]
            assert grown[0] == 0
            assert all(24 <= count <= 36 for count in grown[1:]), grown
            arrived = Counter()
            for peer in peers:
                arrived += peer.ledger.ids("traces")
            assert set(arrived) == {str(number) for number in range(next(numbers))}
            assert max(arrived.values()) <= 2


# ------------------------------------------------------------------------------- age, and names


@PROTOCOLS
def test_a_connection_ends_at_its_age(protocol):
    with fleet(protocol, 1) as peers:
        env = {**listing(peers[0].port), "DISTROKIT_OTLP_CONNECTION_AGE": "200"}
        with exporting(protocol, "traces", peers[0], env) as sent:
            for number in range(8):
                assert sent.attempt([number]) is None
                time.sleep(0.1)
        ports = {request.port for request in peers[0].ledger.requests}
        assert 2 <= len(ports) <= 5


@pytest.fixture
def names(monkeypatch):
    """Addresses of ``collectors.test``, which a test changes."""
    known: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host != b"collectors.test":
            return real(host, port, *args, **kwargs)
        if not known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


class Made:
    """A connection that is only noted."""

    def __init__(self, address):
        self.address, self.open, self.sent_whole = address, True, False

    def usable(self, deadline):
        return self.open

    def interrupt(self): ...

    def close(self):
        self.open = False


class Opens(Connector):
    """Opens nothing, and fails where it is told to."""

    def __init__(self, target):
        super().__init__(target, lambda: None, grpc=True)
        self.down = set()

    def open(self, address, proxy, deadline):
        if address.host in self.down:
            raise ConnectionFailure("connection refused", address.place)


def opened(names, *, age=0.0, in_turn=False, listed="dns:///collectors.test:4317"):
    connector = Opens(target_of(listed, tls=False))
    return connector, Connections(connector, lambda socket, address, proxy: Made(address), age, round_robin=in_turn)


def used(connections, times):
    found = Counter()
    for _ in range(times):
        found[connections.get(time.monotonic() + 5).address.host] += 1
        connections.release()
    return found


def test_a_name_is_resolved_again_at_the_age_so_that_new_ones_get_their_share(names):
    names[:] = ["10.0.0.1", "10.0.0.2"]
    _, connections = opened(names, age=0.9, in_turn=True)
    assert used(connections, 10) == {"10.0.0.1": 5, "10.0.0.2": 5}
    names.append("10.0.0.3")
    assert set(used(connections, 10)) == {"10.0.0.1", "10.0.0.2"}
    time.sleep(1.1)
    assert set(used(connections, 9).values()) == {3}
    # The one that has left its name gets nothing any more.
    names.remove("10.0.0.1")
    time.sleep(1.1)
    assert used(connections, 10) == {"10.0.0.2": 5, "10.0.0.3": 5}


def test_a_name_is_resolved_again_when_an_address_fails(names):
    names[:] = ["10.0.0.1"]
    connector, connections = opened(names, in_turn=True)
    assert used(connections, 3) == {"10.0.0.1": 3}
    names[:] = ["10.0.0.2"]
    connector.down.add("10.0.0.1")
    connections.avoid(Address("10.0.0.1", 4317))
    time.sleep(1.0)
    assert used(connections, 3) == {"10.0.0.2": 3}


def test_a_name_that_cannot_be_resolved_any_more_keeps_its_addresses(names):
    names[:] = ["10.0.0.1"]
    _, connections = opened(names, age=0.5)
    assert used(connections, 1)
    names.clear()
    time.sleep(1.1)
    assert used(connections, 2) == {"10.0.0.1": 2}


def test_a_name_that_was_never_resolved(names):
    _, connections = opened(names)
    with pytest.raises(ConnectionFailure, match=r"name resolution failed: collectors\.test: Name or service"):
        connections.get(time.monotonic() + 1)


def test_addresses_that_failed_are_tried_last_and_all_are_named(names):
    names[:] = ["10.0.0.1", "10.0.0.2"]
    connector, connections = opened(names, in_turn=True)
    connector.down.add("10.0.0.1")
    assert used(connections, 10) == {"10.0.0.2": 10}
    connector.down.add("10.0.0.2")
    connections.avoid(Address("10.0.0.2", 4317))
    with pytest.raises(ConnectionFailure, match=r"^connection refused at collectors\.test:4317$"):
        connections.get(time.monotonic() + 5)
    with pytest.raises(NoAddressLeftError):
        connections.get(time.monotonic() + 5, {Address("10.0.0.1", 4317), Address("10.0.0.2", 4317)})


def test_a_child_chooses_for_itself(names):
    names[:] = [f"10.0.0.{number}" for number in range(1, 9)]
    _, connections = opened(names)
    parent = connections.get(time.monotonic() + 5)
    chosen = set()
    for _ in range(60):
        connections.forked()
        assert not parent.open
        parent = connections.get(time.monotonic() + 5)
        chosen.add(parent.address.host)
    assert len(chosen) > 4


def test_versions_of_ip_stay_in_the_systems_order(monkeypatch):
    found = [(socket.AF_INET6, "fd00::1"), (socket.AF_INET, "10.0.0.1"), (socket.AF_INET6, "fd00::2"), (socket.AF_INET, "10.0.0.2")]  # fmt: skip
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **_: [(family, 1, 6, "", (host, port, 0, 0)) for family, host in found],
    )
    target = target_of("https://collectors.test:4317", tls=True)
    seen = {tuple(one.host for one in spread(look_up(target.listed[0]))) for _ in range(50)}
    assert {order[:2] for order in seen} == {("fd00::1", "fd00::2"), ("fd00::2", "fd00::1")}
    assert {order[2:] for order in seen} == {("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")}


@pytest.mark.parametrize(
    ("endpoint", "tls", "authority", "host", "place"),
    [
        ("http://collector:4317", False, "collector:4317", "collector", "collector:4317"),
        ("https://collector:443/v1/x?y=1", True, "collector", "collector", "collector:443"),
        ("https://[fd00::1]:4317", True, "[fd00::1]:4317", "fd00::1", "[fd00::1]:4317"),
        ("dns:///collector", True, "collector", "collector", "collector:443"),
        ("ipv4:10.0.0.2:4317", True, "10.0.0.2:4317", "10.0.0.2", "10.0.0.2:4317"),
        ("ipv4:10.0.0.2:4317,10.0.0.3:4317", True, "10.0.0.2:4317", "10.0.0.2", "10.0.0.2:4317,10.0.0.3:4317"),
        ("ipv6:[fd00::1]:4317", False, "[fd00::1]:4317", "fd00::1", "[fd00::1]:4317"),
        ("unix:///run/otel.sock", False, "localhost", "localhost", "unix:///run/otel.sock"),
        ("unix:otel.sock", False, "localhost", "localhost", "unix:otel.sock"),
        ("unix-abstract:otel", False, "localhost", "localhost", "unix-abstract:otel"),
    ],
)
def test_what_an_endpoint_names(endpoint, tls, authority, host, place):
    target: Target = target_of(endpoint, tls=tls, path="/v1/traces")
    address = target.listed[0]
    assert (target.authority(address), target.host_of(address), target.place) == (authority, host, place)
    assert target.path == ("/v1/x?y=1" if "y=1" in endpoint else "/" if endpoint.startswith("http") else "/v1/traces")


def test_threads_of_the_application_do_not_share_a_connection():
    """``simple`` processors export in the application's threads."""
    with fleet("grpc", 1) as peers, exporting("grpc", "traces", peers[0]) as sent:
        threads = [threading.Thread(target=lambda n=n: sent.attempt([n], 8)) for n in range(16)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert set(sent.arrived) == {str(number) for number in range(16)}


@PROTOCOLS
def test_the_applications_random_numbers_stay_its_own(protocol):
    """A seed makes them repeatable, with telemetry as without."""
    with fleet(protocol, 2) as peers:
        for peer in peers:
            peer.behave(first(1, refuse(503, grpc.StatusCode.UNAVAILABLE)))
        with exporting(protocol, "traces", peers[0], listing(*(peer.port for peer in peers))) as sent:
            # What OpenTelemetry itself draws, for ids, is drawn before.
            spans = made("traces", "abc")
            random.seed(7)
            sent.exporter.export(spans)
            drawn = random.random()
            random.seed(7)
            assert drawn == random.random()

"""A receiver that asks to be left alone is: by the schedule, by a flush, and until the end of the process."""

from __future__ import annotations

import time
from itertools import product

import pytest
from applications import start
from made import SIGNALS
from peers import PEERS, accept, first, refuse
from piping import piped

import distrokit_spool.plugin

WAYS = pytest.mark.parametrize(("protocol", "signal"), list(product(PEERS, SIGNALS)))
BUSY = refuse(429, retry_after=60)
LAZY = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BLRP_SCHEDULE_DELAY": "3600000"}


@WAYS
def test_flushes_ask_nothing_meanwhile(protocol, signal):
    with PEERS[protocol](BUSY) as peer, piped(protocol, signal, peer, LAZY) as pipe:
        pipe.put(*range(10))
        _five_in_vain(pipe.flush, peer)
    # What is queued would be lost: at the end it is tried once more.
    assert set(pipe.arrived) == set(map(str, range(10)))


@WAYS
def test_nor_do_those_of_the_spool(protocol, signal, tmp_path):
    environ = {**LAZY, "DISTROKIT_SPOOL_DIRECTORY": str(tmp_path / "spool")}
    with (
        PEERS[protocol](BUSY) as peer,
        piped(protocol, signal, peer, environ, spool=distrokit_spool.plugin) as pipe,
    ):
        pipe.put(*range(10))
        # All of it is on disk.
        assert pipe.flush(5_000)
        (spooled,) = (part for part in pipe.components.parts if hasattr(part, "_losses"))
        _five_in_vain(spooled.force_flush, peer)
    assert set(pipe.arrived) == set(map(str, range(10)))


def _five_in_vain(flush, peer):
    begin = time.monotonic()
    assert [flush(2_000) for _ in range(5)] == [False] * 5
    # None takes longer than its own limit.
    assert time.monotonic() - begin < 20
    assert len(peer.ledger.requests) == 1
    peer.behave(accept())


@WAYS
def test_a_flush_waits_for_the_time_that_was_asked_for(protocol, signal):
    with PEERS[protocol](first(1, refuse(429, retry_after=1))) as peer, piped(protocol, signal, peer, LAZY) as pipe:
        pipe.put(*range(10))
        assert not pipe.flush(200)
        begin = time.monotonic()
        assert pipe.flush(15_000)
        assert time.monotonic() - begin > 0.5
        # Each flush has a collection of metrics of its own.
        assert len(peer.ledger.requests) == (3 if signal == "metrics" else 2)
        assert pipe.lost.total() == 0


@WAYS
def test_the_end_waits_for_the_time_that_was_asked_for(protocol, signal):
    with PEERS[protocol](first(1, refuse(429, retry_after=2))) as peer:
        with piped(protocol, signal, peer, LAZY) as pipe:
            pipe.put(*range(10))
            assert not pipe.flush(200)
            begin = time.monotonic()
        assert time.monotonic() - begin > 1
        assert set(pipe.arrived) == set(map(str, range(10)))
        assert pipe.lost.total() == 0
        # The end has a collection of metrics of its own.
        assert len(peer.ledger.requests) == (3 if signal == "metrics" else 2)


@pytest.mark.parametrize("protocol", list(PEERS))
def test_in_a_process(protocol, tmp_path):
    program = """
        from opentelemetry import _logs
        providers = trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider()
        emit(3)
        for _ in range(5):
            for provider in providers:
                say(str(provider.force_flush(300)))
    """
    with PEERS[protocol](BUSY) as peer:
        app = start(program, peer.endpoint, protocol, tmp_path, {"DISTROKIT_EXIT_TIMEOUT": "1000"}).end()

        assert app.out.split() == ["False"] * 15, app.err
        # The first flush of each signal, and one last try at the end.
        assert len(peer.ledger.requests) == 6

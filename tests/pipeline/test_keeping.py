"""What is recorded is kept until it has arrived, or is counted: outages, full queues, and the end of the process."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from peers import PEERS, Peer, accept, first, hang, only, partial, refuse
from piping import piped
from processes import BIN, LEAN, clean_environ

WAYS = pytest.mark.parametrize(("protocol", "signal"), [("grpc", "traces"), ("http/protobuf", "logs")])
BOTH = pytest.mark.parametrize("whose", ["distrokit", "sdk"])
#: Nothing is sent unless a batch is full, or somebody waits.
LAZY = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BLRP_SCHEDULE_DELAY": "3600000"}
DELTA = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}


def sizes(queue: int, batch: int) -> dict[str, str]:
    return {
        f"OTEL_{prefix}_{name}": str(value)
        for prefix in ("BSP", "BLRP")
        for name, value in (("MAX_QUEUE_SIZE", queue), ("MAX_EXPORT_BATCH_SIZE", batch))
    }


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition; fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def counted_in(lines: list[str]) -> int:
    """How many items these lines say were lost."""
    found = (re.search(r"([\d,]+) (?:span|log record|data point)s? lost", line) for line in lines)
    return sum(int(match[1].replace(",", "")) for match in found if match)


def each_once(n: int) -> Counter[str]:
    return Counter(map(str, range(n)))


# ------------------------------------------------------------------------------------ outages


@pytest.mark.once
@BOTH
@WAYS
def test_absent_at_first(protocol, signal, whose):
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, {**LAZY, "DISTROKIT_BATCH": whose}) as pipe:
        peer.stop()
        pipe.put(*range(600))
        # It comes while the second try is waited for.
        threading.Timer(0.5, peer.start).start()
        assert pipe.flush()
        assert pipe.arrived == each_once(600)
        assert pipe.lost == Counter()


@pytest.mark.once
@WAYS
def test_an_outage_in_the_middle(protocol, signal):
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, LAZY) as pipe:
        pipe.put(*range(100))
        assert pipe.flush()
        peer.stop()
        pipe.put(*range(100, 200))
        assert not pipe.flush(300)
        pipe.put(*range(200, 300))
        assert pipe.lost == Counter()
        peer.start()
        pipe.put(*range(300, 400))
        assert pipe.flush()
        assert pipe.arrived == each_once(400)
        assert pipe.lost == Counter()
    (line,) = [line for line in pipe.said if "export recovered" not in line]
    assert "queued for retry" in line


@pytest.mark.once
@WAYS
def test_an_outage_is_over_without_anybody_waiting(protocol, signal):
    quick = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BLRP_SCHEDULE_DELAY": "50"}
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, quick) as pipe:
        peer.stop()
        pipe.put(*range(50))
        until(lambda: pipe.said)
        pipe.put(*range(50, 100))
        peer.start()
        assert peer.ledger.wait_for(100, signal, 15)
        assert pipe.arrived == each_once(100)
        assert pipe.lost == Counter()


@pytest.mark.once
@WAYS
def test_hang_then_ok(protocol, signal):
    short = {**LAZY, "OTEL_EXPORTER_OTLP_TIMEOUT": "400"}
    with PEERS[protocol](first(3, hang(20))) as peer, piped(protocol, signal, peer, short) as pipe:
        pipe.put(*range(100))
        assert pipe.flush()
        assert set(pipe.arrived) == set(each_once(100))
        assert max(pipe.arrived.values()) <= 2
        assert pipe.lost == Counter()


@pytest.mark.once
@BOTH
@WAYS
def test_a_receiver_that_asks_for_time(protocol, signal, whose):
    busy = first(2, refuse(503, retry_after=0.1))
    with PEERS[protocol](busy) as peer, piped(protocol, signal, peer, {**LAZY, "DISTROKIT_BATCH": whose}) as pipe:
        pipe.put(*range(100))
        assert pipe.flush()
        assert pipe.arrived == each_once(100)
        assert pipe.lost == Counter()


# ------------------------------------------------------------------------------------- queues


@BOTH
@WAYS
def test_a_burst_that_fits(protocol, signal, whose):
    large = {**LAZY, **sizes(queue=10_000, batch=512), "DISTROKIT_BATCH": whose, "DISTROKIT_EXIT_TIMEOUT": "15000"}
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, large) as pipe:
        pipe.put(*range(10_000))
        assert pipe.flush()
        assert pipe.arrived == each_once(10_000)
        assert pipe.lost == Counter()


@pytest.mark.once
@WAYS
@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest"])
def test_a_queue_that_is_too_small(protocol, signal, policy):
    small = {**LAZY, **sizes(queue=100, batch=10), "DISTROKIT_QUEUE_FULL": policy}
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, small) as pipe:
        peer.stop()
        pipe.put(*range(500))
        peer.start()
        assert pipe.flush()
        arrived = sorted(map(int, pipe.arrived))
        assert set(pipe.arrived.values()) == {1}
        # Those in the queue, and the batch that was being sent meanwhile.
        assert 100 <= len(arrived) <= 110
        assert pipe.lost == {"queue_full": 500 - len(arrived)}
        kept = arrived[-100:] if policy == "drop-oldest" else arrived[:100]
        assert kept == list(range(400, 500) if policy == "drop-oldest" else range(100))
    lines = [line for line in pipe.said if " lost" in line]
    # One at once, with what was lost by then, and one at the end with the rest.
    assert 1 <= len(lines) <= 2
    assert all("because the queue was full" in line for line in lines)
    assert counted_in(lines) == 500 - len(arrived)


@pytest.mark.once
def test_memory_is_bounded_in_an_outage():
    with PEERS["grpc"]() as peer, piped("grpc", "traces", peer, {**LAZY, **sizes(queue=200, batch=50)}) as pipe:
        peer.stop()
        delivery = pipe.batches[-1]._delivery
        for one in range(3000):
            pipe.put(one)
            assert len(delivery._queue) <= 200
            assert len(delivery._kept) <= 50


# -------------------------------------------------------------------------------------- flush


@pytest.mark.once
@WAYS
def test_a_flush_ends_in_time_and_says_whether_it_arrived(protocol, signal):
    with PEERS[protocol](hang(20)) as peer, piped(protocol, signal, peer, LAZY) as pipe:
        pipe.put(1)
        begin = time.monotonic()
        assert pipe.flush(500) is False
        assert 0.4 < time.monotonic() - begin < 15
        peer.behave(accept())
        assert pipe.flush() is True
        assert set(pipe.arrived) == {"1"}
        peer.behave(refuse(400))
        pipe.put(2)
        assert pipe.flush(5000) is False
        peer.behave(refuse(503))
        pipe.put(3)
        assert pipe.flush(300) is False
        peer.behave(accept())
        assert pipe.flush() is True
        assert pipe.flush(1000) is True
        assert pipe.lost == {"failed": 1}
        assert set(pipe.arrived) == {"1", "3"}


def test_a_flush_of_metrics():
    with PEERS["grpc"](refuse(400)) as peer, piped("grpc", "metrics", peer) as pipe:
        pipe.put("x")
        assert pipe.flush(5000) is False
        assert pipe.lost == {"failed": 1}
        peer.behave(hang(20))
        begin = time.monotonic()
        assert pipe.flush(500) is False
        assert time.monotonic() - begin < 15
        peer.behave(accept())
        assert pipe.flush(5000) is True
        assert peer.ledger.total("added") == 1


def test_the_provider_of_meters_says_what_its_reader_says():
    with PEERS["grpc"](refuse(400)) as peer, piped("grpc", "metrics", peer) as pipe:
        pipe.put("x")
        assert pipe.provider.force_flush(5000) is False
        peer.behave(accept())
        assert pipe.provider.force_flush(5000) is True


# ------------------------------------------------------------------------------------ metrics


@pytest.mark.parametrize("protocol", list(PEERS))
@pytest.mark.parametrize("temporality", ["delta", "cumulative"])
def test_collections_are_kept(protocol, temporality):
    environ = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality}
    with PEERS[protocol]() as peer, piped(protocol, "metrics", peer, environ) as pipe:
        pipe.put("a", "b")
        assert pipe.flush(5000)
        peer.stop()
        for _ in range(5):
            pipe.put("a", "a", "b")
            assert not pipe.flush(100)
        peer.start()
        pipe.put("c")
        assert pipe.flush()
        ledger = peer.ledger
        totals = [ledger.total("added", id=one) for one in "abc"]
        assert totals == [11, 6, 1]
        assert ledger.duplicated("metrics") == {}
        assert pipe.lost == Counter()
        # Every collection of the outage came by itself.
        assert len({point.time for point in ledger.points}) >= 7


def test_a_queue_of_collections_that_is_too_small():
    with (
        PEERS["grpc"]() as peer,
        piped("grpc", "metrics", peer, {**DELTA, "DISTROKIT_METRICS_QUEUE_SIZE": "2"}) as pipe,
    ):
        peer.stop()
        for _ in range(8):
            pipe.put("a", "b")
            assert not pipe.flush(50)
        peer.start()
        assert pipe.flush()
        arrived = len(peer.ledger.points)
        assert 0 < arrived < 16
        assert pipe.lost == {"queue_full": 16 - arrived}
        assert peer.ledger.total("added") == arrived


# -------------------------------------------------------------------------------------- tally


@BOTH
@pytest.mark.parametrize("protocol", list(PEERS))
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_the_tally_is_the_gap(protocol, signal, whose):
    """Taken, refused, taken in part, and again; what is missing in the ledger is what was said, by reason."""
    environ = {**LAZY, **DELTA, "DISTROKIT_BATCH": whose}
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, environ) as pipe:
        for number, behaviour in enumerate([accept(), refuse(400), partial(3), refuse(401), accept(), refuse(400)]):
            peer.behave(behaviour)
            pipe.put(*range(number * 10, number * 10 + 10))
            pipe.flush()
        assert pipe.lost == {"failed": 30, "rejected": 3}
        assert pipe.recorded - pipe.arrived.total() == 33
        # At once, and the rest not before a minute is over.
        assert len(pipe.said) == 1
    # Nothing is collected at the end but what is new, which is nothing.
    assert counted_in(pipe.said) == 33
    assert len(pipe.said) == 2


@BOTH
def test_whose_it_is(whose):
    kinds = {"traces": BatchSpanProcessor, "logs": BatchLogRecordProcessor, "metrics": PeriodicExportingMetricReader}
    for signal, kind in kinds.items():
        with PEERS["grpc"]() as peer, piped("grpc", signal, peer, {"DISTROKIT_BATCH": whose}) as pipe:
            (part,) = [part for part in pipe.components.parts if type(part) is kind] or [None]
            assert (part is not None) == (whose == "sdk")


# -------------------------------------------------------------------------------- processes

PROGRAM = """
    import logging, sys, time
    from opentelemetry import metrics, trace
    from opentelemetry._logs import get_logger

    tracer, logger = trace.get_tracer("t"), get_logger("l")
    counter = metrics.get_meter("m").create_counter("added")

    def emit(first, last):
        for one in range(first, last):
            tracer.start_span("s", attributes={"id": str(one)}).end()
            logger.emit(body="b", attributes={"id": str(one)})
            counter.add(1)

    number = 0
    for line in sys.stdin:
        emit(number, number + int(line))
        number += int(line)
        print(number, flush=True)
"""
ALL = {
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_BLRP_SCHEDULE_DELAY": "100",
    "OTEL_METRIC_EXPORT_INTERVAL": "200",
    **DELTA,
}


class Running:
    """A program under ``opentelemetry-instrument`` that records as many items of each signal as it is told."""

    def __init__(self, protocol: str, peer: Peer, environ: dict[str, str]) -> None:
        env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, **ALL, **environ}
        lines = PROGRAM.split("\n")
        program = "\n".join(line[4:] for line in lines)
        self._process = subprocess.Popen(
            [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", program],
            env=clean_environ({**LEAN, **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def emit(self, items: int) -> None:
        self._process.stdin.write(f"{items}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline()

    def end(self) -> list[str]:
        """Its end comes by itself; what distrokit said."""
        _, stderr = self._process.communicate(timeout=15)
        assert self._process.returncode == 0
        return [line for line in stderr.splitlines() if line.startswith("distrokit: ")]

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.mark.once
@pytest.mark.parametrize("protocol", list(PEERS))
def test_a_process_loses_nothing_in_an_outage(protocol):
    with PEERS[protocol]() as peer, Running(protocol, peer, {}) as program:
        peer.stop()
        program.emit(100)
        time.sleep(1)
        peer.start()
        program.emit(100)
        assert peer.ledger.wait_for(200, "traces", 15)
        peer.stop()
        program.emit(100)
        peer.start()
        lines = program.end()
        # A receiver that is stopped between taking a batch and answering gets it once more, and not more often.
        for arrived in (peer.ledger.spans, peer.ledger.logs):
            assert set(arrived) == set(each_once(300))
            assert max(arrived.values()) <= 2
        assert peer.ledger.total("added") == 300
        assert [line for line in lines if " lost" in line] == []


@pytest.mark.once
def test_a_process_says_at_its_end_what_it_could_not_send():
    small = {**sizes(queue=100, batch=10), "OTEL_METRIC_EXPORT_INTERVAL": "3600000"}
    small["DISTROKIT_EXIT_TIMEOUT"] = "1500"
    with PEERS["grpc"](only("logs", accept(), refuse(503))) as peer, Running("grpc", peer, small) as program:
        program.emit(1000)
        lines = program.end()
        traces = [line for line in lines if "otlp traces:" in line]
        assert counted_in(traces) == 1000 - len(peer.ledger.spans) == 1000
        logs = [line for line in lines if "otlp logs:" in line]
        assert counted_in(logs) == 1000 - len(peer.ledger.logs)
        metrics = [line for line in lines if "otlp metrics:" in line]
        assert counted_in(metrics) == 1
        assert len([line for line in lines if " lost" in line]) <= 6

"""Signal handlers and finalizers that measure in the middle of a measurement, a collection or a creation."""

from __future__ import annotations

import pytest
from applications import run
from peers import PEERS

#: The handler comes as often as it can, in the middle of ``work``; ``stop`` ends a program that waits for itself.
STORM = """
import faulthandler, gc, signal, weakref
from opentelemetry import metrics
from opentelemetry.metrics import Observation

faulthandler.dump_traceback_later(90, exit=True)
meter = metrics.get_meter("m")
kinds = {
    "counter": (meter.create_counter("counter"), "add"),
    "up_down_counter": (meter.create_up_down_counter("up_down_counter"), "add"),
    "histogram": (meter.create_histogram("histogram"), "record"),
    "gauge": (meter.create_gauge("gauge"), "set"),
}
calls = 0

def measure():
    for instrument, method in kinds.values():
        getattr(instrument, method)(1, {"from": "anywhere"})

def handler(*_):
    global calls
    calls += 1
    {handler}
    # Once more, when this one is over: a slow machine would come to nothing else. Not without end, since a handler that
    # never lets the thread go on queues more calls than there is room for.
    if calls < 400:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

signal.signal(signal.SIGALRM, handler)
until = time.monotonic() + 20
signal.setitimer(signal.ITIMER_REAL, 0.0002)
rounds = 0
while calls < 200 and time.monotonic() < until:
    rounds += 1
    {work}
signal.signal(signal.SIGALRM, signal.SIG_IGN)
say(f"{rounds} {calls}")
"""
CASES = {
    "a measurement": ("measure()", "measure()"),
    "a creation": (
        'meter.create_counter(f"late{calls}").add(1)',
        'meter.create_counter("early").add(1); meter.create_histogram(f"new{rounds}")',
    ),
    "a meter": (
        'metrics.get_meter(f"m{calls}").create_counter("of_a_late_meter").add(1)',
        'metrics.get_meter(f"new{rounds}")',
    ),
    "an observable": (
        'meter.create_observable_gauge(f"seen{calls}", [lambda options: [Observation(1)]])',
        'meter.create_observable_gauge(f"other{rounds}")',
    ),
}


def app(program, tmp_path, env=None):
    with PEERS["http/protobuf"]() as peer:
        app = run(program, peer.endpoint, "http/protobuf", tmp_path, env)
        return app, peer.ledger.points


def last(points, name):
    """The last value of each series with this name."""
    return {point.series: point.value for point in points if point.name == name}


@pytest.mark.parametrize("case", CASES)
def test_a_handler_in_the_middle(tmp_path, case):
    handler, work = CASES[case]
    done, points = app(STORM.replace("{handler}", handler).replace("{work}", work), tmp_path)

    assert done.process.returncode == 0, done.err
    rounds, calls = map(int, done.out.split())
    assert calls >= 200
    assert "distrokit:" not in done.err
    if case == "a measurement":
        assert sum(last(points, "counter").values()) == rounds + calls
        assert sum(last(points, "up_down_counter").values()) == rounds + calls
    elif case == "a creation":
        assert {f"late{number + 1}" for number in range(calls)} <= {point.name for point in points}
    elif case == "a meter":
        assert len(last(points, "of_a_late_meter")) == calls
    else:
        assert {f"seen{number + 1}" for number in range(calls)} <= {point.name for point in points}


def test_a_handler_in_the_middle_of_a_collection_of_its_own_thread(tmp_path):
    """The SDK's reader collects in the thread that flushes."""
    work = "measure(); metrics.get_meter_provider().force_flush()"
    done, points = app(
        STORM.replace("{handler}", "measure()").replace("{work}", work),
        tmp_path,
        {"DISTROKIT_BATCH": "sdk"},
    )

    assert done.process.returncode == 0, done.err
    rounds, calls = map(int, done.out.split())
    assert sum(last(points, "counter").values()) == rounds + calls


def test_finalizers_in_the_middle(tmp_path):
    program = """
        import faulthandler, gc
        from opentelemetry import metrics
        faulthandler.dump_traceback_later(90, exit=True)
        meter = metrics.get_meter("m")
        closed, histogram = meter.create_counter("closed"), meter.create_histogram("h")

        class Connection:
            def __init__(self):
                self.me = self

            def __del__(self):
                closed.add(1)
                histogram.record(1)

        def observed(options):
            Connection()
            gc.collect()
            counter.add(1, {"from": "a callback"})
            return [metrics.Observation(1)]

        meter.create_observable_gauge("o", [observed])
        gc.set_threshold(1)
        for _ in range(2000):
            Connection()
            closed.add(1)
        metrics.get_meter_provider().force_flush()
        gc.collect()
        say("ends")
    """
    done, points = app(program, tmp_path)

    assert (done.process.returncode, done.out) == (0, "ends\n"), done.err
    assert sum(last(points, "closed").values()) in (4001, 4002)
    # A flush and the end; what a callback records is in the same collection.
    assert {point.value for point in points if point.attributes.get("from") == "a callback"} == {1, 2}


def test_what_is_too_much_at_once_is_dropped_and_counted(tmp_path):
    program = """
        class Amount(int):
            def __lt__(self, other):
                for _ in range(5000):
                    counter.add(1)
                return False

        counter.add(Amount(1))
    """
    done, points = app(program, tmp_path)

    assert done.process.returncode == 0, done.err
    arrived = sum(last(points, "c").values())
    assert 4000 <= arrived < 5000
    assert f"metrics: {5001 - arrived:,} measurements lost" in done.err

"""Receivers that others wrote answer differently: splitting, compression, a restart and a stop, with two of them.

tonic says OUT_OF_RANGE where grpc-python says RESOURCE_EXHAUSTED; ``ddapm-test-agent`` is grpc.aio and aiohttp.
"""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from applications import everything_once, run, start
from other_receivers import Agent, Rotel, rotel_binary
from peers import MIB, PEERS

PROTOCOLS = ["grpc", "http/protobuf"]

#: Waits until the test has made a file, and flushes all signals.
STEPS = """
from opentelemetry import _logs

def step(name):
    until = time.monotonic() + 20
    while not os.path.exists(name) and time.monotonic() < until:
        time.sleep(0.01)

def flush():
    providers = trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider()
    return [provider.force_flush(20_000) for provider in providers]
"""
#: An outage that begins after the first items, and is there when the next ones are sent.
OUTAGE = (
    STEPS
    + """
emit(20); say(str(flush())); open('flushed', 'w').close(); step('away'); emit(30)
until = time.monotonic() + 20
while not all(flush()) and time.monotonic() < until:
    time.sleep(0.1)
say(str(time.monotonic() < until)); emit(10)
"""
)
#: An attempt ends while the receiver is away.
SHORT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "500"}
ALL = "[True, True, True]\n"

needs_rotel = pytest.mark.skipif(rotel_binary() is None, reason="there is no Rotel for this platform")


@pytest.fixture
def sink():
    """Where Rotel passes everything on to."""
    with PEERS["grpc"](max_receive_bytes=64 * MIB) as running:
        yield running


@pytest.fixture
def rotel(sink):
    with Rotel(sink.endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def agent():
    with Agent() as running:
        yield running


def arrived(app, sink):
    """Wait for all that was emitted: Rotel answers before it has passed it on."""
    for name in ("traces", "logs"):
        assert sink.ledger.wait_for(len(app.emitted), name, 10), (name, sink.ledger.lost(app.emitted, name), app.err)
    end = time.monotonic() + 10
    while sink.ledger.total("c") < len(app.emitted) and time.monotonic() < end:
        time.sleep(0.02)


def until_away(app, sink):
    """Wait for the first items' way through Rotel."""
    app.until_emitted(20)
    for name, count in (("traces", 20), ("logs", 20), ("metrics", 1)):
        assert sink.ledger.wait_for(count, name, 10)


# ------------------------------------------------------------------------------------- Rotel


@needs_rotel
@pytest.mark.parametrize(("protocol", "compression"), [("grpc", "none"), ("grpc", "gzip"), ("http/protobuf", "gzip")])
def test_rotel_gets_everything_once(rotel, sink, tmp_path, protocol, compression):
    env = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    app = run("emit(1500)", rotel.endpoint(protocol), protocol, tmp_path, env)
    arrived(app, sink)

    everything_once(app, sink)
    assert (app.process.returncode, app.said) == (0, [])


#: 8 MB of spans in one batch.
LARGE = """
for number in range(400):
    tracer.start_span("s", attributes={"id": str(number), "text": str(number % 10) * 20_000}).end()
"""


@needs_rotel
@pytest.mark.parametrize(
    ("protocol", "largest", "compression"),
    [("grpc", 1, "none"), ("grpc", 4, "gzip"), ("http/protobuf", 1, "gzip"), ("http/protobuf", 4, "none")],
)
def test_a_batch_that_is_too_large_is_split(sink, tmp_path, protocol, largest, compression):
    """With 1 MiB it is tonic that says so, of what the exporter took for small enough."""
    with Rotel(sink.endpoint, largest) as rotel:
        env = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression}
        app = run(LARGE, rotel.endpoint(protocol), protocol, tmp_path, env)
        sink.ledger.wait_for(400, "traces", 10)

    assert sink.ledger.lost(range(400), "traces") == [], app.err
    assert sink.ledger.duplicated("traces") == {}
    assert app.said == []
    parts = len([request for request in sink.ledger.requests if request.items])
    # tonic weighs what came over the wire: packed, all of it is small enough.
    assert parts >= (8 if (protocol, largest, compression) == ("grpc", 1, "none") else 2)


@needs_rotel
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collection_that_is_too_large_is_split(rotel, sink, tmp_path, protocol):
    program = """
        from opentelemetry.metrics import Observation
        observations = [Observation(n, {"id": str(n), "text": "x" * 200}) for n in range(20_000)]
        metrics.get_meter("m").create_observable_gauge("g", [lambda options: observations])
    """
    app = run(program, rotel.endpoint(protocol), protocol, tmp_path, {"DISTROKIT_EXIT_TIMEOUT": "20000"})
    sink.ledger.wait_for(20_000, "metrics", 10)

    assert Counter(sink.ledger.ids("metrics").values()) == {1: 20_000}, app.err
    assert app.said == []
    assert len([request for request in sink.ledger.requests if request.items]) > 1


@needs_rotel
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rotel_is_killed_with_a_request_and_started_again(rotel, sink, tmp_path, protocol):
    app = start(OUTAGE, rotel.endpoint(protocol), protocol, tmp_path, SHORT)
    until_away(app, sink)
    rotel.stop()
    (tmp_path / "away").touch()
    app.until_emitted(50)
    time.sleep(0.5)
    rotel.kill()
    time.sleep(0.5)
    rotel.start()
    app.end()
    arrived(app, sink)

    assert app.out == ALL + "True\n", app.err
    assert app.process.returncode == 0
    # What died with it had not been passed on.
    everything_once(app, sink)


@needs_rotel
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rotel_is_stopped_and_goes_on(rotel, sink, tmp_path, protocol):
    app = start(OUTAGE, rotel.endpoint(protocol), protocol, tmp_path, SHORT)
    until_away(app, sink)
    rotel.stop()
    (tmp_path / "away").touch()
    app.until_emitted(50)
    # Several attempts: each ends without an answer, and none of them but the first brings the items.
    time.sleep(2)
    rotel.go_on()
    app.end()
    arrived(app, sink)

    assert app.out == ALL + "True\n", app.err
    for name in ("traces", "logs"):
        assert sink.ledger.lost(app.emitted, name) == []
        assert set(sink.ledger.duplicated(name).values()) <= {1}
    assert set(sink.ledger.duplicated("metrics").values()) <= {1}
    assert sink.ledger.total("c") == len(app.emitted) == 60


@needs_rotel
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rotel_is_stopped_when_the_process_ends(rotel, sink, tmp_path, protocol):
    app = start(STEPS + "emit(20); say(str(flush())); step('away'); emit(700)",
                rotel.endpoint(protocol), protocol, tmp_path, {"DISTROKIT_EXIT_TIMEOUT": "1000"})  # fmt: skip
    until_away(app, sink)
    rotel.stop()
    (tmp_path / "away").touch()
    app.end()

    assert app.out == ALL
    assert app.process.returncode == 0
    assert any("700 spans lost" in line for line in app.said), app.err


# -------------------------------------------------------------------------- ddapm-test-agent


def ids(agent, name):
    """How often each id is in what it has, of spans or log records."""
    counted = Counter()

    def look(found):
        if isinstance(found, list):
            for one in found:
                look(one)
        elif isinstance(found, dict):
            if found.get("key") == "id":
                counted[found["value"]["string_value"]] += 1
            for one in found.values():
                look(one)

    look(agent.received(name))
    return counted


@pytest.mark.xdist_group("ddapm-test-agent")
@pytest.mark.parametrize(
    ("protocol", "compression"), [("grpc", "gzip"), ("http/protobuf", "none"), ("http/protobuf", "gzip")]
)
def test_the_agent_gets_everything_once(agent, tmp_path, protocol, compression):
    env = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    app = run("emit(700)", agent.endpoint(protocol), protocol, tmp_path, env)

    for name in ("traces", "logs"):
        found = ids(agent, name)
        assert {found[each] for each in app.emitted} == {1}, app.err
    assert f'"{app.emitted[0].partition(":")[0]}"' in json.dumps(agent.received("metrics"))
    assert (app.process.returncode, app.said) == (0, [])


@pytest.mark.xdist_group("ddapm-test-agent")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_agent_takes_a_mebibyte(agent, tmp_path, protocol):
    """Over HTTP it answers 413, and the batch is split; over grpc it says that it rejected all of it, which is final."""
    program = LARGE.replace("str(number),", "f'{os.getpid()}:{number}',") + "say(str(os.getpid()))"
    app = run(program, agent.endpoint(protocol), protocol, tmp_path)

    found = ids(agent, "traces")
    times = [found[f"{app.out.strip()}:{number}"] for number in range(400)]
    if protocol == "grpc":
        (line,) = app.said
        assert "400 spans lost" in line
        assert "rejected by the receiver: HTTP 413" in line
    else:
        assert times == [1] * 400, app.err
        assert app.said == []


@pytest.mark.xdist_group("ddapm-test-agent")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_agent_is_killed_with_a_request_and_started_again(agent, tmp_path, protocol):
    app = start(OUTAGE, agent.endpoint(protocol), protocol, tmp_path, SHORT)
    app.until((tmp_path / "flushed").exists, "first flush")
    before = {}
    app.until(lambda: before.update({name: ids(agent, name) for name in ("traces", "logs")})
              or all(set(app.emitted) <= set(found) for found in before.values()), "first items")  # fmt: skip
    agent.stop()
    (tmp_path / "away").touch()
    app.until_emitted(50)
    time.sleep(0.5)
    agent.kill()
    agent.start()
    app.end()

    assert app.out == ALL + "True\n", app.err
    for name in ("traces", "logs"):
        found = before[name] + ids(agent, name)
        assert {found[each] for each in app.emitted} == {1}, app.err

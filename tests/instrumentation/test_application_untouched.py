"""The application runs as it would without telemetry: its calls do not raise and do not wait, and nothing floods it (P1, P10)."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from applications import EMITTING, run, start
from peers import PEERS, hang
from processes import QUIET, instrumented, said

#: What an application may do wrong; none of it raises, each leaves a mark.
MISUSES = {
    "span.set_attribute": 'span.set_attribute("k", CYCLIC)',
    "span.set_attributes": 'span.set_attributes({"k": BAD})',
    "span.add_event": 'span.add_event("e", {"k": CYCLIC})',
    "span.add_link": 'span.add_link(span.get_span_context(), {"k": BAD})',
    "span.record_exception": "span.record_exception(BAD)",
    "tracer.start_span": 'assert tracer.start_span("s", attributes={"k": CYCLIC}).is_recording()',
    "c.add": 'counter.add("x"); counter.add(None); counter.add(1, {"k": BAD})',
    "h.record": 'histogram.record("x")',
    "g.set": "gauge.set([])",
    "meter.create_counter": 'meter.create_counter("ä").add(1)',
    "meter.create_observable_gauge": 'meter.create_observable_gauge("")',
    "logger.emit": 'otel_logger.emit(LogRecord(body="b", attributes={"k": BAD}))',
}
MISUSING = """
from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, get_logger

class Bad(Exception):
    def __str__(self):
        raise ValueError("it cannot be shown")
    __repr__ = __str__

BAD, CYCLIC = Bad(), []
CYCLIC.append(CYCLIC)
tracer, meter, otel_logger = trace.get_tracer("t"), metrics.get_meter("m"), get_logger("l")
counter, histogram, gauge = meter.create_counter("c"), meter.create_histogram("h"), meter.create_gauge("g")
with tracer.start_as_current_span("outer") as span:
    {misuse}
    counter.add(1)
print("ran")
"""


@pytest.mark.parametrize("call", MISUSES)
def test_no_call_raises_and_what_is_wrong_is_said_once(receiver, call):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    result = instrumented(MISUSING.replace("{misuse}", f"{MISUSES[call]}; {MISUSES[call]}"), env)

    assert (result.returncode, result.stdout) == (0, "ran\n"), result.stderr
    lines = [line for line in said(result) if line.startswith(f"distrokit: {call}(): ")]
    assert 1 <= len(lines) <= 2, result.stderr
    assert len(lines) == len(set(lines))
    outcome = "the record is sent with the attribute as text" if call == "logger.emit" else "its arguments are dropped"
    assert all(outcome in line for line in lines)
    # What was well around it has arrived.
    assert "outer" in {span.name for span in receiver.store.spans()}


def test_objects_of_the_api_stay_what_they_are():
    program = """
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import Counter
        from opentelemetry.sdk.trace import Span, Tracer
        tracer, counter = trace.get_tracer("t"), metrics.get_meter("m").create_counter("c")
        span = tracer.start_span("s")
        print(isinstance(tracer, Tracer), isinstance(span, Span), isinstance(counter, Counter), type(span).__name__)
        print(trace.get_tracer("t") is tracer, type(tracer.start_span("s2")) is type(span))
    """
    env = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "none"}
    first, second = instrumented(program, env).stdout.splitlines()[:2]

    assert first == "True True True _Span"
    assert second == "True True"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_no_call_waits_for_a_collector_that_hangs(tmp_path, protocol):
    program = """
        slowest = 0.0
        for number in range(3000):
            since = time.perf_counter()
            tracer.start_span("s").end()
            counter.add(1)
            slowest = max(slowest, time.perf_counter() - since)
        say("fast" if slowest < 1 else f"slow: {slowest}")
    """
    with PEERS[protocol](hang(60)) as peer:
        env = {"DISTROKIT_EXIT_TIMEOUT": "500", "OTEL_BSP_SCHEDULE_DELAY": "1"}
        app = run(program, peer.endpoint, protocol, tmp_path, env)

    assert app.out == "fast\n", app.err


def test_a_hundred_thousand_bad_attributes_are_few_lines():
    program = """
        from opentelemetry import trace
        span = trace.get_tracer("t").start_span("s")
        for _ in range(100_000):
            span.set_attribute("k", object())
        span.end()
    """
    result = instrumented(program, {**QUIET, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"})

    lines = result.stderr.splitlines()
    assert len(lines) == 11
    assert "99,990 more messages like this one: Invalid type" in lines[-1]


@pytest.mark.parametrize("how", ["closed", "a broken pipe"])
def test_an_stderr_that_nobody_reads_costs_nothing(tmp_path, how):
    """The collector is not there, and every export would say so."""
    program = """
        import time
        from opentelemetry import trace
        for _ in range(200):
            trace.get_tracer("t").start_span("s", attributes={"k": object()}).end()
        print("ran", flush=True)
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "1"}
    command = [sys.executable, "-c", EMITTING.replace("EMITTED", "HOME") + program.replace("\n        ", "\n")]
    from processes import BIN, clean_environ

    redirect = "2>&-" if how == "closed" else "2> >(exec true)"
    shell = ["bash", "-c", f'exec "$@" {redirect}', "bash", str(BIN / "opentelemetry-instrument"), *command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(shell, env=clean_environ(env), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert after.ru_utime - before.ru_utime < 15


DAEMON = """
def daemonize():
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 256)
    os.open(os.devnull, os.O_RDWR); os.dup2(0, 1)
    os.open("stderr", os.O_WRONLY | os.O_CREAT, 0o600)

emit(1)
trace.get_tracer_provider().force_flush()
daemonize()
emit(5)
time.sleep(0.5)
before = time.process_time()
time.sleep(1)
share = time.process_time() - before
with open("done.part", "w") as file:
    file.write(str(share))
os.rename("done.part", "done")
"""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_daemon_that_closes_all_descriptors(tmp_path, protocol):
    """With grpc that was 6.8 million lines in 20 seconds, and half of the data."""
    import time

    with PEERS[protocol]() as peer:
        app = start(DAEMON, peer.endpoint, protocol, tmp_path)
        app.end()
        deadline = time.monotonic() + 30
        # The daemon is nobody's child here: what it leaves tells that it comes to its end.
        while not (tmp_path / "done").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        share = float((tmp_path / "done").read_text())
        # The first process ended by os._exit(), after a flush; what it had not flushed is lost, as promised to nobody.
        daemon = [name for name in app.emitted if not name.startswith(f"{app.process.pid}:")]
        assert peer.ledger.wait_for(len(daemon), "traces", 20)

        assert len(daemon) == 5
        assert peer.ledger.lost(daemon, "traces") == []
        assert peer.ledger.duplicated("traces") == {}
    assert share < 0.3
    assert len((tmp_path / "stderr").read_text().splitlines()) < 20


def test_the_sdks_own_metrics_count_what_is_lost(tmp_path):
    program = """
        for _ in range(7):
            tracer.start_span("s", attributes={"id": "x"}).end()
        trace.get_tracer_provider().force_flush()
        for _ in range(30):
            tracer.start_span("s", attributes={"id": "x"}).end()
    """
    env = {
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
        "OTEL_BSP_MAX_QUEUE_SIZE": "10",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
        "OTEL_LOGS_EXPORTER": "none",
        # So that nothing is taken out of the queue while it is filled.
        "DISTROKIT_TRACES_PROCESSOR": "batch",
    }
    with PEERS["http/protobuf"]() as peer:
        run(program, peer.endpoint, "http/protobuf", tmp_path, env)
        points = peer.ledger.points
        arrived = sum(peer.ledger.spans.values())

    def total(name, **attributes):
        last = {}
        for point in points:
            if point.name == name and all(point.attributes.get(k) == v for k, v in attributes.items()):
                last[point.series] = point.value
        return sum(last.values())

    dropped = total("otel.sdk.processor.span.processed", **{"error.type": "queue_full"})
    exported = total("otel.sdk.exporter.span.exported")
    assert arrived + dropped == 37
    # Metrics are collected at the end, side by side with the last spans.
    assert 7 <= exported <= arrived
    assert {p.value for p in points if p.name == "otel.sdk.processor.span.queue.capacity"} == {10}
    assert any(p.name == "otel.sdk.processor.span.queue.size" for p in points)

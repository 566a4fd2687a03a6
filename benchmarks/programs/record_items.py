"""Records items of one kind under any distro, and prints the CPU time of one: of all threads, and of the recording one.

The queue is flushed before it is full, so that nothing is lost, and the cost of the export is counted in full.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import _logs, metrics, trace

#: Items between two flushes: below the size of the queue.
_BATCH = 1024
_TEN = {f"shop.attribute.{key}": f"value {key}" for key in range(9)}


def bare(number: int) -> None:
    """A span that says nothing."""
    trace.get_tracer("shop").start_span("bare").end()


def ten(number: int) -> None:
    """A span of ten attributes, one of which differs."""
    with trace.get_tracer("shop").start_as_current_span("ten", attributes={**_TEN, "n": number}):
        pass


def nested(number: int) -> None:
    """One of three spans in each other."""
    tracer = trace.get_tracer("shop")
    if number % 3 == 0:
        start = tracer.start_as_current_span
        with start("outer", attributes={"n": number}), start("middle"), start("inner"):
            pass


def events(number: int) -> None:
    """A span with two events."""
    with trace.get_tracer("shop").start_as_current_span("events") as span:
        span.add_event("first", {"n": number})
        span.add_event("second")


def log(number: int) -> None:
    """A log record, by the logs API: an environment without instrumentations sends none of Python's."""
    attributes: dict[str, Any] = {"number": number, "kind": "order"}
    record = _logs.LogRecord(body="an order", severity_number=_logs.SeverityNumber.INFO, attributes=attributes)
    _logs.get_logger("shop").emit(record)


def add(number: int) -> None:
    """A measurement."""
    _counter().add(1, {"kind": "order"})


_COUNTERS: list[Any] = []


def _counter() -> Any:
    if not _COUNTERS:
        _COUNTERS.append(metrics.get_meter("shop").create_counter("orders"))
    return _COUNTERS[0]


KINDS: dict[str, Callable[[int], None]] = {
    "bare": bare, "ten": ten, "nested": nested, "events": events, "log": log, "add": add,
}  # fmt: skip


def main() -> None:
    """Record and flush."""
    kind, number = sys.argv[1], int(sys.argv[2])
    record = KINDS[kind]
    provider: Any = {"log": _logs.get_logger_provider, "add": metrics.get_meter_provider}.get(
        kind, trace.get_tracer_provider
    )()
    warm = _BATCH if kind != "nested" else _BATCH // 3 * 3
    for one in range(warm):
        record(one)
    provider.force_flush(30_000)
    begin, recording = time.process_time(), 0.0
    for start in range(0, number, warm):
        before = time.thread_time()
        for one in range(start, min(start + warm, number)):
            record(one)
        recording += time.thread_time() - before
        if kind != "add":
            provider.force_flush(30_000)
    used = time.process_time() - begin
    sys.stdout.write(
        json.dumps({"cpu_us": used * 1e6 / number, "recording_us": recording * 1e6 / number, "items": warm + number})
    )


main()

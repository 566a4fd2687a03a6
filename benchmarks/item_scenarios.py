"""What is measured of items: the programs, with their arguments, and what has to arrive from each."""

from __future__ import annotations

from dataclasses import dataclass

#: Items in one run, without those of the warm-up; multiples of the batches between two flushes.
_ITEMS, _MEASUREMENTS = 10 * 1023, 100 * 1023
RATES, BURSTS = (6_000, 10_000, 20_000), (10_000, 50_000, 100_000)


@dataclass(frozen=True)
class Scenario:
    """One program with its arguments.

    Attributes:
        measure: the name for ``--only``; several scenarios may share it.
        name: for the tables and the JSON file; unique.
        program: a file of the folder ``programs``.
        signal: what the receiver counts: ``spans``, ``logs``, or the ``sum`` of the counter's measurements.
        complete: all items have to arrive, or the run is none; otherwise what is missing is the result.
        attributes: how many a span has to arrive with, at least.
        without: measured without telemetry, too.
        few: half of the runs are enough: the run is long, and its result changes little.
    """

    measure: str
    name: str
    program: str
    arguments: tuple[str, ...]
    signal: str = "spans"
    complete: bool = True
    attributes: int = 0
    without: bool = False
    few: bool = False


def _record(kind: str, number: int = _ITEMS, signal: str = "spans", attributes: int = 0) -> Scenario:
    return Scenario(kind, kind, "record_items.py", (kind, str(number)), signal, attributes=attributes)


def _offer(measure: str, name: str, *arguments: str) -> Scenario:
    return Scenario(measure, name, "offer_spans.py", arguments, complete=False, attributes=10, few=True)


COSTS = (
    _record("bare"),
    _record("ten", attributes=10),
    _record("nested"),
    _record("events"),
    _record("log", signal="logs"),
    _record("add", _MEASUREMENTS, "sum"),
)
LOOP = Scenario("loop", "loop", "add_loop.py", ("1000",), "sum")
LATENCY = Scenario("latency", "latency", "time_spans.py", ("4000", "3"))
REQUESTS = Scenario("requests", "requests", "serve_requests.py", ("5",), complete=False, without=True)
LOSSES = tuple(_offer("loss", f"{rate:,} spans/s", "rate", str(rate), "5") for rate in RATES)
BURST_RUNS = tuple(_offer("burst", f"{number:,} spans", "burst", str(number)) for number in BURSTS)
EXIT = Scenario("exit", "exit", "leave_spans.py", ("2000",), attributes=10, without=True)

SCENARIOS = (*COSTS, LOOP, LATENCY, REQUESTS, *LOSSES, *BURST_RUNS, EXIT)
MEASURES = tuple(dict.fromkeys(scenario.measure for scenario in SCENARIOS))

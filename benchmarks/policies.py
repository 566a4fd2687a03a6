"""Measures what telemetry policies cost a span and a log record, beside the item's own cost.

    uv run python -m benchmarks.policies

Run it in the root of the repository. All pipelines are in one process, and take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arguments import check_json, parse_count
from distrokit import BuildContext, Processor, hookimpl
from distrokit.testing import in_memory
from distrokit_policy import plugin

_ITEMS, _ROUNDS = 2000, 15
_NUMBERS = (0, 10, 1000, 10_000)
#: The names of the pipeline without the plugin, and of one with a transform that does nothing.
_OFF, _IDLE = "off", "a transform that does nothing"
_DESCRIPTION = """\
Measure what policies add to a span of five attributes and to a log record. Each number is the
median of rounds in which all pipelines take turns; CPU time of the process.
"""
_EPILOG = """\
off: what an item itself costs; the third row and those below: what policies add to it
ten policies in a hundred are of each kind: equal values, beginnings, contained texts, regular
expressions, attributes, and other services

exit codes: 0 all was measured; 2 wrong usage
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policies",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=parse_count, default=_ROUNDS, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--items", type=parse_count, default=_ITEMS, metavar="N", help="of a round; default: %(default)s"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    parser.add_argument("--load", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.load is not None:
        sys.stdout.write(json.dumps(_load(arguments.load)))
        return 0
    check_json(parser, arguments.json)
    measured = _measure(arguments.rounds, arguments.items)
    loads = {number: _load_alone(number) for number in _NUMBERS}
    if arguments.json:
        arguments.json.write_text(json.dumps({"items": measured, "loads": loads}, indent=1) + "\n", "utf-8")
    sys.stdout.write(_as_text(measured, loads))
    return 0


def make_policies(number: int) -> dict[str, Any]:
    """Return a set of so many policies of the usual mix."""
    return {"policies": [{"id": f"p{n:05}", "name": "n", **_policy(n)} for n in range(number)]}


def _policy(number: int) -> dict[str, Any]:
    service = {"resource_attribute": "service.name", "equals": f"service-{number % 50}"}
    body, name = "body", "name"
    kinds: list[dict[str, Any]] = [
        _log("none", service, {"log_field": "severity_text", "equals": "DEBUG"}),
        _log("none", {"log_field": body, "contains": f"health check {number}"}),
        _log("10%", {"log_attribute": "http.route", "equals": f"/api/v1/r{number}"}),
        _log("all", {"log_field": body, "regex": f"^user [0-9]+ did thing{number}"}),
        _log("5/s", {"log_field": body, "starts_with": f"pool {number} is full"}),
        _trace(25, {"span_attribute": "http.route", "equals": f"/api/v1/r{number}"}, {"span_kind": "SERVER"}),
        _trace(5, service, {"span_attribute": "db.system", "exists": True}),
        _trace(0, {"trace_field": name, "starts_with": f"GET /h{number}/"}),
        _trace(100, {"span_status": "ERROR"}, {"span_attribute": "tenant", "equals": f"t{number}"}),
        _trace(1, {"trace_field": name, "contains": f"internal-{number}"}),
    ]
    return kinds[number % len(kinds)]


def _log(keep: str, *match: Mapping[str, Any]) -> dict[str, Any]:
    transform = {"redact": [{"log_field": "body", "regex": "[0-9]+"}]} if keep == "all" else {}
    return {"log": {"match": [*match], "keep": keep, **({"transform": transform} if transform else {})}}


def _trace(percentage: float, *match: Mapping[str, Any]) -> dict[str, Any]:
    return {"trace": {"match": [*match], "keep": {"percentage": percentage}}}


class _Sink:
    """A plugin whose processors do nothing with an item."""

    @hookimpl
    def distrokit_processors(self) -> list[Processor]:
        return [Processor("sink", ("traces", "logs"), "export", _make_sink)]

    @hookimpl
    def distrokit_defaults(self) -> Mapping[str, str]:
        return {"DISTROKIT_TRACES_PROCESSOR": "sink", "DISTROKIT_LOGS_PROCESSOR": "sink"}


class _Idle:
    """A plugin with a transform that returns each item as it is."""

    @hookimpl
    def distrokit_processors(self) -> list[Processor]:
        return [Processor("idle", ("traces", "logs"), "transform", _make_idle)]


def _make_idle(context: BuildContext) -> Any:
    def idle(item: Any) -> Any:
        return item

    idle.records_nothing = True  # type: ignore[attr-defined]  # distrokit looks for it
    return idle


def _make_sink(exporter: object, context: BuildContext) -> Any:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.trace import SpanProcessor

    class LogSink(LogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            """Do nothing."""

        def shutdown(self) -> None:
            """Do nothing."""

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    return SpanProcessor() if context.signal == "traces" else LogSink()


def _measure(rounds: int, items: int) -> dict[str, dict[str, float]]:
    """Return the microseconds of an item, by pipeline and signal."""
    names = [_OFF, _IDLE, *(f"{number:,} policies" for number in _NUMBERS)]
    taken: dict[str, dict[str, list[float]]] = {name: {"span": [], "log record": []} for name in names}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        providers = {}
        for name, number in zip(names, (None, None, *_NUMBERS), strict=True):
            environ = {"OTEL_SERVICE_NAME": "service-7"}
            plugins: dict[str, object] = {"sink": _Sink(), **({"idle": _Idle()} if name == _IDLE else {})}
            if number is not None:
                path = Path(folder) / f"{number}.json"
                path.write_text(json.dumps(make_policies(number)), "utf-8")
                environ["DISTROKIT_POLICY_FILE"], plugins["policy"] = str(path), plugin
            telemetry = stack.enter_context(in_memory(plugins, environ))
            if telemetry.problems:
                raise RuntimeError(f"{name}: {telemetry.problems[0]}")
            providers[name] = (
                telemetry.tracer_provider.get_tracer("benchmark"),
                telemetry.logger_provider.get_logger("benchmark"),
            )
        for number in range(rounds):
            # Each round begins with another pipeline.
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                tracer, logger = providers[name]
                taken[name]["span"].append(_time_spans(tracer, items))
                taken[name]["log record"].append(_time_records(logger, items))
    return {name: {kind: median(values) for kind, values in kinds.items()} for name, kinds in taken.items()}


def _time_spans(tracer: Any, items: int) -> float:
    """Return the microseconds of CPU time of a span."""
    attributes = [
        {
            "http.route": f"/things/{n}",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "server.address": "shop.example.com",
            "url.path": f"/things/{n}",
        }
        for n in range(items)
    ]
    start = time.process_time()
    for each in attributes:
        tracer.start_span("GET /things/{id}", attributes=each).end()
    return (time.process_time() - start) / items * 1e6


def _time_records(logger: Any, items: int) -> float:
    """Return the microseconds of CPU time of a log record."""
    from opentelemetry._logs import LogRecord

    start = time.process_time()
    for n in range(items):
        logger.emit(LogRecord(body=f"order {n} was paid by card", severity_text="INFO", attributes={"order.id": n}))
    return (time.process_time() - start) / items * 1e6


def _load_alone(number: int) -> dict[str, float]:
    """Return what it takes to load a set, in a process of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(make_policies(number), file)
        file.flush()
        command = [sys.executable, "-m", "benchmarks.policies", "--load", file.name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  (this program)
    loaded: dict[str, float] = json.loads(done.stdout)
    if loaded.pop("policies") != number:
        raise RuntimeError(f"not all of {number} policies were read")
    return loaded


def _load(path: Path) -> dict[str, float]:
    """Return the seconds of reading and compiling a set, and the memory that it holds, in MiB."""
    from distrokit_policy.documents import read_document
    from distrokit_policy.engine.reading import read_policies
    from distrokit_policy.engine.statistics import Statistics
    from distrokit_policy.runtime.merging import compile_set

    before = _resident()
    times = [time.process_time()]
    data = read_document(path.read_bytes()).data
    times.append(time.process_time())
    policies = read_policies(data).policies
    times.append(time.process_time())
    kept = compile_set(policies, None, Statistics())
    times.append(time.process_time())
    del data
    held = _resident() - before
    parse, check, compiled = (later - earlier for earlier, later in pairwise(times))
    return {"parse": parse, "check": check, "compile": compiled, "mebibytes": held, "policies": len(kept.policies)}


def _resident() -> float:
    """Return the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _as_text(measured: dict[str, dict[str, float]], loads: dict[int, dict[str, float]]) -> str:
    width = max(map(len, measured)) + 2
    own = measured[_OFF]
    lines = [f"{'':{width}}{''.join(f'{kind:>30}' for kind in own)}"]
    for name, kinds in measured.items():
        cells = []
        for kind, value in kinds.items():
            added = value - own[kind]
            text = f"{value:.2f} µs" if name == _OFF else f"{added:+.2f} µs ({added / own[kind]:.2f} of it)"
            cells.append(f"{text:>30}")
        lines.append(f"{name:{width}}{''.join(cells)}")
    for number, load in loads.items():
        parts = ", ".join(f"{part} {load[part]:.3f} s" for part in ("parse", "check", "compile"))
        lines.append(f"load {number:,}: {parts}; {load['mebibytes']:.0f} MiB")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

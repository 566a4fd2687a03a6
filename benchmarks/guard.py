"""Measures what redaction and shrinking cost a span of ten short attributes, beside the span's own cost.

    uv run python -m benchmarks.guard

Run it in the root of the repository. All pipelines are in one process, and take turns.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arguments import check_json, parse_count
from distrokit import BuildContext, Processor, hookimpl
from distrokit.testing import in_memory, planned
from distrokit_guard import plugin
from distrokit_guard.redaction_parts import make_redactor

_SPANS, _ROUNDS = 2000, 15
#: The names of the pipeline without the guard, and of the one with a transform that does nothing.
_OFF, _IDLE = "off", "a transform that does nothing"
#: Before the name of a pipeline: its engine, given the attributes alone.
_ALONE = "attributes alone: "
#: By the name of a column, the number of values that were never seen before.
_KINDS = {"recurring values": 0, "three of ten new": 3, "eight of ten new": 8}
_KEYS = "*password*,*secret*,authorization,http.request.header.*"
_DESCRIPTION = """\
Measure what redaction and shrinking add to a span of ten short attributes. Each number is
the median of rounds in which all pipelines take turns; CPU time of the process.
"""
_EPILOG = """\
off: what a span itself costs; the third row and those below: what the guard adds to a transform
recurring: each value was seen before, as methods, routes and hosts are; new: a value never seen before

exit codes: 0 all was measured; 2 wrong usage
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.guard",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=parse_count, default=_ROUNDS, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--spans", type=parse_count, default=_SPANS, metavar="N", help="of a round; default: %(default)s"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    arguments = parser.parse_args(words)
    check_json(parser, arguments.json)
    measured = _measure(arguments.rounds, arguments.spans)
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    sys.stdout.write(_as_text(measured))
    return 0


def _settings() -> dict[str, dict[str, str]]:
    """Return the settings of each pipeline, by its name."""
    guard = "DISTROKIT_GUARD_"
    return {
        _OFF: {},
        _IDLE: {},
        "shrink": {f"{guard}MAX_ITEM_BYTES": "1000000"},
        "keys": {f"{guard}REDACT_KEYS": _KEYS},
        "all values": {f"{guard}REDACT": "all"},
        "all values and keys": {f"{guard}REDACT": "all", f"{guard}REDACT_KEYS": _KEYS},
        "10 own patterns": {f"{guard}REDACT_PATTERNS": _patterns(10)},
        "1,000 own patterns": {f"{guard}REDACT_PATTERNS": _patterns(1000)},
    }


def _patterns(count: int) -> str:
    """Return so many patterns, of which one in ten has no literal text."""
    made = random.Random(count)  # noqa: S311  (no secret)
    lines = []
    for number in range(count):
        word = "".join(made.choices(string.ascii_lowercase, k=8))
        regex = rf"{word}[-=]\d{{4}}" if number % 10 else rf"\b[{word[:3]}]\d{{2}}-[{word[3:]}]{{4}}\d{{6}}\b"
        lines.append(f"p{number}: {regex}")
    return "\n".join(lines)


class _Sink:
    """A plugin whose processor does nothing with a span."""

    @hookimpl
    def distrokit_processors(self) -> list[Processor]:
        return [Processor("sink", "traces", "export", _make_sink)]

    @hookimpl
    def distrokit_defaults(self) -> Mapping[str, str]:
        return {"DISTROKIT_TRACES_PROCESSOR": "sink"}


class _Idle:
    """A plugin with a transform that returns each span as it is."""

    @hookimpl
    def distrokit_processors(self) -> list[Processor]:
        return [Processor("idle", "traces", "transform", lambda context: lambda span: span)]


def _make_sink(exporter: object, context: BuildContext) -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    return SpanProcessor()


def _measure(rounds: int, spans: int) -> dict[str, dict[str, float]]:
    """Return the microseconds of a span, by pipeline and kind of values."""
    redactors = _make_redactors()
    alone = [f"{_ALONE}{name}" for name in redactors]
    taken: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in _KINDS} for name in (*_settings(), *alone)}
    with ExitStack() as stack:
        tracers = {}
        for name, environ in _settings().items():
            plugins = {"guard": plugin, "sink": _Sink(), **({"idle": _Idle()} if name == _IDLE else {})}
            telemetry = stack.enter_context(in_memory(plugins, environ))
            if telemetry.problems:
                raise RuntimeError(f"{name}: {telemetry.problems[0]}")
            tracers[name] = telemetry.tracer_provider.get_tracer("benchmark")
        for number in range(rounds):
            # Each round begins with another pipeline.
            names = [*tracers]
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                for kind, new in _KINDS.items():
                    attributes = [_attributes(number * spans + n, new) for n in range(spans)]
                    taken[name][kind].append(_time(tracers[name], attributes))
                    if name in redactors:
                        taken[f"{_ALONE}{name}"][kind].append(_time_alone(redactors[name], attributes))
    return {name: {kind: median(values) for kind, values in kinds.items()} for name, kinds in taken.items()}


def _make_redactors() -> dict[str, Any]:
    """Return the engines of the pipelines that redact."""
    made = {}
    for name, environ in _settings().items():
        planned_parts = planned({"guard": plugin}, environ).signals["traces"].at("transform")
        for part in planned_parts:
            if part.arguments.get("action"):
                made[name] = make_redactor(part.arguments, {})
    return made


def _time_alone(redactor: Any, attributes: Sequence[Mapping[str, Any]]) -> float:
    """Return the microseconds of CPU time of the attributes of a span; those of others warm the engine."""
    redactor.attributes(attributes[0])
    start = time.process_time()
    for each in attributes:
        redactor.attributes(each)
    return (time.process_time() - start) / len(attributes) * 1e6


def _attributes(number: int, new: int) -> dict[str, Any]:
    """Return ten short attributes, of which so many texts are those of this number only."""
    marks = [format(number, "x") if place < new else "" for place in range(8)]
    return {
        "url.path": f"/orders/{marks[0]}",
        "enduser.id": f"u-{marks[1]}",
        "client.address": f"10.1.2.3{marks[2]}",
        "http.request.method": f"GET{marks[3]}",
        "http.route": f"/orders/{{id}}{marks[4]}",
        "server.address": f"shop{marks[5]}.example.com",
        "server.port": 443,
        "http.response.status_code": 200,
        "network.protocol.version": f"1.1{marks[6]}",
        "user_agent.original": f"Mozilla/5.0 (X11; Linux) {marks[7]}",
    }


def _time(tracer: Any, attributes: Sequence[Mapping[str, Any]]) -> float:
    """Return the microseconds of CPU time of a span."""
    start = time.process_time()
    for each in attributes:
        tracer.start_span("GET /orders/{id}", attributes=each).end()
    return (time.process_time() - start) / len(attributes) * 1e6


def _as_text(measured: dict[str, dict[str, float]]) -> str:
    width = max(map(len, measured)) + 2
    lines = [f"{'':{width}}{''.join(f'{kind:>34}' for kind in _KINDS)}"]
    own = measured[_OFF]
    for name, kinds in measured.items():
        # The pipeline calls any transform in the same way, whatever it does.
        base = own if name in (_OFF, _IDLE) else measured[_IDLE]
        cells = []
        for kind, value in kinds.items():
            added = value if name.startswith(_ALONE) else value - base[kind]
            text = f"{value:.2f} µs" if name == _OFF else f"{added:+.2f} µs ({added / own[kind]:.2f} of a span)"
            cells.append(f"{text:>34}")
        lines.append(f"{name:{width}}{''.join(cells)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

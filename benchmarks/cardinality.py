"""Measures a counter with too many attribute sets: under distrokit with its guard, and with the SDK alone, in turns.

    uv run python -m benchmarks.cardinality

Run it in the root of the repository, in an environment that has distrokit with the extra ``guard`` and upstream's OTLP
exporter. Each run is a process of its own, which exports over HTTP to a receiver on loopback.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import parse_count
from benchmarks.environments import HERE, PROGRAMS
from benchmarks.installer import BenchmarkError, last_lines, plain_environ
from benchmarks.receiver import Receiver

_FEW, _MANY, _LIMIT = 1000, 1_000_000, 2000
#: The peak memory with a million sets may be that with a thousand, times this.
_LARGEST_RATIO = 1.2
#: Seconds until a run is taken for hung.
_TIMEOUT = 600
#: Seconds until the receiver has read the last request.
_SETTLE = 0.2


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        way: ``distrokit`` or ``sdk``.
        sets: the number of attribute sets.
        numbers: by name: ``points`` and ``sum`` that arrived, ``recorded``, ``peak_mib``, ``cpu_us``, ``wall_us``.
    """

    way: str
    sets: int
    numbers: Mapping[str, float]

    def faults(self) -> list[str]:
        """Return what is not as it must be."""
        where, limit = (
            f"{self.way}, {self.sets:,} sets",
            min(self.sets, _LIMIT) if self.way == "distrokit" else self.sets,
        )
        found = []
        if self.numbers["sum"] != self.numbers["recorded"]:
            found.append(f"{where}: the sum is {self.numbers['sum']:,.0f}, not {self.numbers['recorded']:,.0f}")
        # One more: the point of the sets beyond the limit.
        if self.numbers["points"] > limit + (self.sets > limit):
            found.append(f"{where}: {self.numbers['points']:,.0f} points arrived, and the limit is {limit:,}")
        return found


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 1 if distrokit's sum is wrong or its limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cardinality", description=__doc__.partition("\n")[0])
    parser.add_argument("--additions", type=parse_count, default=_MANY, help="in each run; default: %(default)s")
    parser.add_argument(
        "--without-sdk", action="store_true", help="leave out the SDK alone, which needs some gigabytes"
    )
    arguments = parser.parse_args(words)
    ways = ["distrokit"] if arguments.without_sdk else ["distrokit", "sdk"]
    try:
        with Receiver(Path(sys.executable)) as receiver, tempfile.TemporaryDirectory() as scratch:
            runs = [_run(receiver, scratch, way, arguments.additions, sets) for sets in (_FEW, _MANY) for way in ways]
    except BenchmarkError as error:
        sys.stderr.write(f"benchmark failed: {error}\n")
        return 1
    sys.stderr.writelines(f"{fault}\n" for run in runs if run.way == "sdk" for fault in run.faults())
    faults = [fault for run in runs if run.way == "distrokit" for fault in run.faults()]
    few, many = (run.numbers["peak_mib"] for run in runs if run.way == "distrokit")
    if many > few * _LARGEST_RATIO:
        faults.append(f"distrokit: peak memory is {many / few:.2f} times that of {_FEW:,} sets, not {_LARGEST_RATIO}")
    sys.stdout.write(f"{_table(runs, arguments.additions)}\n\ndistrokit: {many / few:.2f} times the peak memory\n")
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _run(receiver: Receiver, scratch: str, way: str, additions: int, sets: int) -> Run:
    """Run the program once.

    Raises: :class:`BenchmarkError`.
    """
    sys.stderr.write(f"{way}, {sets:,} sets\n")
    environ = plain_environ(
        HOME=scratch,
        PYTHONPATH=str(HERE.parent),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint("http/protobuf"),
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        # Metrics are exported at the end, not while something is measured.
        OTEL_METRIC_EXPORT_INTERVAL="600000",
        DISTROKIT_GUARD_CARDINALITY_LIMIT=str(_LIMIT),
        DISTROKIT_EXIT_TIMEOUT="60000",
    )
    command = [sys.executable, str(PROGRAMS / "count_sets.py"), way, str(additions), str(sets)]
    if way == "distrokit":
        command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), *command]
    receiver.count()
    result = subprocess.run(  # noqa: S603  (the benchmark's own program)
        command, capture_output=True, text=True, check=False, env=environ, cwd=scratch, timeout=_TIMEOUT
    )
    if result.returncode:
        raise BenchmarkError(f"{way}, {sets:,} sets: ended with {result.returncode}\n{last_lines(result.stderr)}")
    time.sleep(_SETTLE)
    numbers = {key: number for line in result.stdout.splitlines() for key, number in json.loads(line).items()}
    sys.stderr.write(result.stderr)
    return Run(way, sets, {**numbers, **receiver.count()})


def _table(runs: Sequence[Run], additions: int) -> str:
    lines = [
        f"{additions:,} additions to one counter",
        "",
        f"{'':10}{'sets':>10}{'points':>11}{'sum':>12}{'peak MiB':>10}{'CPU µs':>9}{'wall µs':>9}",
    ]
    for run in runs:
        numbers = run.numbers
        lines.append(
            f"{run.way:10}{run.sets:>10,}{numbers['points']:>11,.0f}{numbers['sum']:>12,.0f}"
            f"{numbers['peak_mib']:>10,.0f}{numbers['cpu_us']:>9.2f}{numbers['wall_us']:>9.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""What an export costs over each transport, side by side in one run: ``uv run python -m benchmarks.delivery``.

Each way sends the same requests of 512 spans to the same receiver, a process of its own, in turns. A run counts only if
all spans have arrived. The CPU time is that of the exporting process, all of its threads.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.installer import BenchmarkError, plain_environ
from benchmarks.receiver import Receiver

_PROGRAM = Path(__file__).parent / "programs" / "export_requests.py"
#: Ways by name: the protocol; what :mod:`benchmarks.programs.export_requests` makes.
WAYS = {
    "h2": "grpc",
    "grpcio": "grpc",
    "upstream grpc": "grpc",
    "http": "http/protobuf",
    "upstream http": "http/protobuf",
}
#: What each transport imports with the first export, in a process that has recorded a span.
IMPORTS = {
    "h2": "import distrokit_otlp.grpc.sender",
    "http": "import distrokit_otlp.http.sender",
    "grpcio": "import distrokit_otlp.grpc.grpcio_sender",
    "requests": "import requests",
}
_RECORDED = (
    "import distrokit_otlp.factory, distrokit_otlp.grpc.transport, distrokit_otlp.http.transport, ssl, socket, logging"
)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="runs of each way (default: 7)")
    parser.add_argument("--requests", type=int, default=200, help="requests of each run (default: 200)")
    parser.add_argument("--json", metavar="FILE", help="also write all numbers to a file")
    options = parser.parse_args()
    # Installed packages have bytecode; a checkout may have none.
    _run(["-m", "compileall", "-q", *(str(path) for path in Path("plugins").glob("*/src"))])
    cpu: dict[str, list[float]] = {way: [] for way in WAYS}
    imports: dict[str, list[float]] = {name: [] for name in IMPORTS}
    with Receiver(Path(sys.executable)) as receiver:
        for _ in range(options.runs):
            for way, protocol in WAYS.items():
                cpu[way].append(_export(receiver, way, receiver.endpoint(protocol), options.requests))
            for name, code in IMPORTS.items():
                imports[name].append(_import(code))
    if options.json:
        Path(options.json).write_text(json.dumps({"cpu_us_per_request": cpu, "import_ms": imports}), encoding="utf-8")
    _print(cpu, imports, options.requests)
    return 0


def _export(receiver: Receiver, way: str, endpoint: str, requests: int) -> float:
    """Return the CPU time of one request in microseconds. Raises ``BenchmarkError`` when spans are missing."""
    receiver.take()
    used = _run([str(_PROGRAM), way, endpoint, str(requests)])
    arrived = sum(receiver.take()["spans"].values())
    # Some requests come first, which are not measured.
    wanted = json.loads(used)["spans"]
    if arrived != wanted:
        raise BenchmarkError(f"{way}: {arrived} of {wanted} spans arrived")
    return float(json.loads(used)["cpu_us"]) / requests


def _import(code: str) -> float:
    """Return the time of an import in milliseconds, in a new process."""
    program = (
        f"{_RECORDED}\nimport time\nbegin = time.perf_counter()\n{code}\nprint((time.perf_counter() - begin) * 1000)"
    )
    return float(_run(["-c", program]))


def _run(words: list[str]) -> str:
    done = subprocess.run(  # noqa: S603  (the benchmark's own program)
        [sys.executable, *words], env=plain_environ(), capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise BenchmarkError(done.stderr.strip()[-2000:])
    return done.stdout


def _print(cpu: dict[str, list[float]], imports: dict[str, list[float]], requests: int) -> None:
    head = f"CPython {platform.python_version()}; medians of {len(cpu['h2'])} runs of {requests} requests of 512 spans"
    lines = [head, "", *_table("way | CPU per request, µs", cpu), "", *_table("import of | ms", imports)]
    sys.stdout.write("\n".join([*lines, ""]))


def _table(title: str, measured: dict[str, list[float]]) -> list[str]:
    base = statistics.median(measured["grpcio"])
    rows = [(name, statistics.median(values)) for name, values in measured.items()]
    return [
        f"| {title} | against grpcio |",
        "|---|---:|---:|",
        *(f"| {name} | {value:,.1f} | {value / base:.2f}x |" for name, value in rows),
    ]


if __name__ == "__main__":
    sys.exit(main())

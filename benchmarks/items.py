"""What an exported span, log record or measurement costs, under upstream's distro and under distrokit, in turns.

    uv run --no-project python -m benchmarks.items

The CPU time is that of the whole process, export included; a run counts only if all items have arrived.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.environments import HERE, PROGRAMS, default_folder, prepare
from benchmarks.installer import BenchmarkError, plain_environ, python_of
from benchmarks.launchers import RUN, UPSTREAM, Launcher
from benchmarks.receiver import Receiver

#: Kinds of items: the number in one run, and the signal in which they arrive; a counter's measurements arrive as sums.
KINDS = {"bare": (20_480, "spans"), "ten": (20_480, "spans"), "nested": (20_460, "spans"), "events": (20_480, "spans"),
         "log": (20_480, "logs"), "add": (200_000, "")}  # fmt: skip


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.items", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="runs of each kind under each distro (default: 7)")
    parser.add_argument("--only", choices=sorted(KINDS), action="append", help="measure this kind; may be repeated")
    parser.add_argument("--envs", type=Path, default=default_folder(), help="folder of the environments")
    parser.add_argument("--protocol", choices=("grpc", "http/protobuf"), default="grpc", help="of OTLP (default: grpc)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to a file")
    options = parser.parse_args()
    environments = prepare(options.envs, HERE.parent, fifty=False, log=_log)
    kinds = options.only or list(KINDS)
    measured: dict[str, dict[str, list[dict[str, float]]]] = {kind: {"upstream": [], "distrokit": []} for kind in kinds}
    with Receiver(python_of(environments.none.upstream)) as receiver:
        for _ in range(options.runs):
            for kind in kinds:
                for name, launcher in (("upstream", UPSTREAM), ("distrokit", RUN)):
                    environment = environments.none.ours if launcher.ours else environments.none.upstream
                    measured[kind][name].append(_run(launcher, environment, receiver, kind, options.protocol))
    if options.json:
        options.json.write_text(json.dumps(measured), encoding="utf-8")
    sys.stdout.write("\n".join([*_table(measured, "cpu_us"), "", *_table(measured, "recording_us"), ""]))
    return 0


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _run(launcher: Launcher, environment: Path, receiver: Receiver, kind: str, protocol: str) -> dict[str, float]:
    """Return the costs of one item in one run. Raises ``BenchmarkError`` when items are missing."""
    number, signal = KINDS[kind]
    receiver.take()
    environ = plain_environ(
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint(protocol), OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_METRIC_EXPORT_INTERVAL="600000",
    )  # fmt: skip
    command = [str(python_of(environment)), str(PROGRAMS / "record_items.py"), kind, str(number)]
    words, environ = launcher.apply(environment, command, environ)
    done = subprocess.run(  # noqa: S603  (the benchmark's own program)
        words, env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"{kind} under {launcher.name}: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    arrived = sum(receiver.take()[signal].values()) if signal else found["items"]
    if arrived != found["items"]:
        raise BenchmarkError(f"{kind} under {launcher.name}: {arrived} of {found['items']} items arrived")
    return found


def _table(measured: dict[str, dict[str, list[dict[str, float]]]], what: str) -> list[str]:
    title = "CPU of the process" if what == "cpu_us" else "of the recording thread"
    lines = [f"| {title}, µs an item | upstream | distrokit | |", "|---|---:|---:|---:|"]
    for kind, by_name in measured.items():
        upstream, ours = (statistics.median(run[what] for run in by_name[name]) for name in ("upstream", "distrokit"))
        lines.append(f"| {kind} | {upstream:.1f} | {ours:.1f} | {ours / upstream:.2f}x |")
    return lines


if __name__ == "__main__":
    sys.exit(main())

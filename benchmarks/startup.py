"""Measures the start of small programs: without telemetry, under upstream's distro, under distrokit.

    uv run --no-project python -m benchmarks.startup

Run it in the root of the repository. It needs uv, or venv and pip, and a package registry for the first run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import check_json, parse_count, warn_if_busy
from benchmarks.cases import CASES, Case
from benchmarks.circumstances import as_text, describe
from benchmarks.environments import HERE, INSTRUMENTATIONS, PROGRAMS, default_folder, prepare
from benchmarks.installer import BenchmarkError, python_of
from benchmarks.launchers import find_launchers
from benchmarks.measuring import Bench, Result, RunError
from benchmarks.receiver import Receiver
from benchmarks.report import as_json, differences, tables

#: Fewer runs are for a look.
ENOUGH, QUICK = 7, 3
_DESCRIPTION = f"""\
Measure what a launcher adds to small programs: time, memory, modules. Upstream's
distro and distrokit get the same {INSTRUMENTATIONS} instrumentations and their libraries. A run counts
only if the telemetry of the program arrived at a receiver on loopback.
"""
_EPILOG = """\
programs:
{cases}

exit codes: 0 all was measured; 1 a program failed, its telemetry did not arrive, or an environment cannot be made;
2 wrong usage
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = _parse(words)
    cases = [case for case in CASES if not arguments.only or case.name in arguments.only]
    runs = arguments.runs or (QUICK if arguments.quick else ENOUGH)
    try:
        _measure(arguments, cases, runs)
    except (BenchmarkError, RunError) as error:
        _log(f"benchmark failed: {error}")
        return 1
    except KeyboardInterrupt:
        _log("interrupted")
        return 130
    return 0


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.startup",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(cases="\n".join(f"  {case.name:<16}{case.title}" for case in CASES)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "project", nargs="?", type=Path, default=HERE.parent, help="distrokit's source; default: this repository"
    )
    parser.add_argument(
        "--envs",
        type=Path,
        default=default_folder(),
        metavar="DIR",
        help="folder of the environments; default: %(default)s",
    )
    parser.add_argument(
        "--protocol", choices=("grpc", "http/protobuf"), default="grpc", help="of OTLP; default: %(default)s"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[case.name for case in CASES],
        metavar="NAME",
        help="measure this program; may be repeated",
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--runs", type=parse_count, metavar="N", help=f"runs of each program under each launcher; default: {ENOUGH}"
    )
    number.add_argument("--quick", action="store_true", help=f"{QUICK} runs: for a look, not for a page")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all numbers to FILE, - for the output in place of the tables"
    )
    arguments = parser.parse_args(words)
    if not hasattr(os, "wait4"):
        parser.error("this system cannot tell what a process used; run it on Linux or macOS")
    arguments.project = arguments.project.absolute()
    if not (arguments.project / "distrokit").is_dir():
        parser.error(f"{arguments.project} is not distrokit's source: it has no folder distrokit")
    check_json(parser, arguments.json)
    return arguments


def _measure(arguments: argparse.Namespace, cases: Sequence[Case], runs: int) -> None:
    fifty = any(case.fifty for case in cases)
    environments = prepare(arguments.envs, arguments.project, fifty=fifty, log=_log)
    launchers = find_launchers(environments.none.ours)
    about = describe(environments, arguments.project, arguments.protocol, runs)
    warn_if_busy(about, "wall times", _log)
    with tempfile.TemporaryDirectory() as temporary, Receiver(python_of(environments.none.upstream)) as receiver:
        # The programs run from a copy, so that Python writes no bytecode into the repository.
        programs, scratch = Path(temporary, "programs"), Path(temporary, "scratch")
        shutil.copytree(PROGRAMS, programs, ignore=shutil.ignore_patterns("__pycache__"))
        scratch.mkdir()
        bench = Bench(environments, receiver, arguments.protocol, programs, scratch)
        results = [bench.check(case, launchers, _log) for case in cases]
        for result in results:
            bench.measure(result, launchers, runs, _log)
    _write(arguments, as_text(about, markdown=arguments.markdown), results, as_json(results, about))
    for line in (line for result in results for line in differences(result)):
        _log(line)
    if len(launchers) == 5:
        _log("this distrokit has no command `path`: no column for PYTHONPATH")
    if runs < ENOUGH:
        _log(f"fewer than {ENOUGH} runs: do not publish these numbers")


def _write(arguments: argparse.Namespace, text: str, results: Sequence[Result], data: object) -> None:
    if str(arguments.json) == "-":
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
        return
    if arguments.json:
        arguments.json.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    sys.stdout.write(f"{text}\n\n{tables(results, markdown=arguments.markdown)}\n")


def _log(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

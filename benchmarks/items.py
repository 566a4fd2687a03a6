"""Measures recorded items side by side: under upstream's distro, distrokit, and other vendors' distros, in turns.

    uv run --no-project python -m benchmarks.items

Run it in the root of the repository. It needs uv, or venv and pip, and a package registry for the first run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import check_json, parse_count, warn_if_busy
from benchmarks.circumstances import describe
from benchmarks.distros import BASE, DISTROS, NONE, Distro, prepare_distros
from benchmarks.environments import HERE, PROGRAMS, default_folder, prepare
from benchmarks.installer import BenchmarkError, python_of
from benchmarks.item_runs import Bench, Run
from benchmarks.item_scenarios import MEASURES, SCENARIOS
from benchmarks.items_report import as_json, as_text, find_warnings
from benchmarks.measuring import RunError
from benchmarks.receiver import Receiver

_ENOUGH = 5
_DESCRIPTION = """\
Measure what recorded spans, log records and measurements cost, how fast a service with
three spans a request is, what is lost under load, and how long the end of a process
takes. A run of a cost counts only if all items arrived at a receiver on loopback.
"""
_EPILOG = """\
measures:
  bare, ten, nested, events   CPU of a span: without attributes, with ten, one of three nested, with two events
  log, add                    CPU of a log record, of an addition to a counter
  loop                        wall time of an addition in a tight loop
  latency                     wall time of a nested span under a steady load
  requests                    requests a second of a closed loop, and what of its spans is lost
  loss                        what is lost at 6,000, 10,000 and 20,000 spans a second
  burst                       what is lost of 10,000, 50,000 and 100,000 spans at once; peak memory
  exit                        the end of a process with 2,000 spans in its queue

exit codes: 0 all was measured; 1 something could not be measured, or an environment cannot be made; 2 wrong usage
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = _parse(words)
    try:
        return _measure(arguments)
    except BenchmarkError as error:
        _log(f"benchmark failed: {error}")
        return 1
    except KeyboardInterrupt:
        _log("interrupted")
        return 130


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.items",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs",
        type=parse_count,
        default=_ENOUGH,
        metavar="N",
        help="runs of each measure under each distro; half as many of losses and bursts; default: %(default)s",
    )
    parser.add_argument(
        "--only", action="append", choices=MEASURES, metavar="MEASURE", help="measure this; may be repeated"
    )
    parser.add_argument(
        "--distro",
        action="append",
        choices=[distro.name for distro in DISTROS],
        help="measure this beside upstream; may be repeated; default: all that can be installed",
    )
    parser.add_argument(
        "--protocol", choices=("grpc", "http/protobuf"), default="grpc", help="of OTLP; default: %(default)s"
    )
    parser.add_argument(
        "--envs",
        type=Path,
        default=default_folder(),
        metavar="DIR",
        help="folder of the environments; default: %(default)s",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    arguments = parser.parse_args(words)
    check_json(parser, arguments.json)
    return arguments


def _measure(arguments: argparse.Namespace) -> int:
    wanted = [distro for distro in DISTROS if distro is BASE or not arguments.distro or distro.name in arguments.distro]
    environments = prepare(arguments.envs, HERE.parent, fifty=False, log=_log)
    distros, others = prepare_distros(arguments.envs, wanted, _log)
    folders = {distro.name: distro.find_environment(environments, others) for distro in (NONE, *distros)}
    few = (arguments.runs + 1) // 2
    about = {**describe(environments, HERE.parent, arguments.protocol, arguments.runs), "few": few}
    warn_if_busy(about, "numbers", _log)
    measurement = _Measurement(arguments.only or MEASURES, arguments.runs, few)
    with tempfile.TemporaryDirectory() as temporary, Receiver(python_of(environments.none.upstream)) as receiver:
        bench = Bench(receiver, arguments.protocol, _copy_programs(Path(temporary)), Path(temporary, "scratch"))
        bench.scratch.mkdir()
        try:
            measurement.measure(bench, distros, folders)
        except KeyboardInterrupt:
            _log("interrupted; these are the numbers up to now")
            measurement.failures["all"] = "interrupted"
    if arguments.json:
        data = as_json(about, measurement.measured, measurement.failures)
        arguments.json.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    sys.stdout.write(as_text(about, measurement.measured, distros) + "\n")
    for line in (*find_warnings(measurement.measured), *measurement.failures.values()):
        _log(line)
    if arguments.runs < _ENOUGH:
        _log(f"fewer than {_ENOUGH} runs: do not publish these numbers")
    return 1 if measurement.failures else 0


class _Measurement:
    """All runs.

    Attributes:
        measured: for each scenario's name and each distro's, its runs.
        failures: for a scenario and a distro, why it could not be measured.
    """

    def __init__(self, measures: Sequence[str], runs: int, few: int) -> None:
        self._scenarios = [scenario for scenario in SCENARIOS if scenario.measure in measures]
        self._runs, self._few = runs, few
        self.measured: dict[str, dict[str, list[Run]]] = {scenario.name: {} for scenario in self._scenarios}
        self.failures: dict[str, str] = {}

    def measure(self, bench: Bench, distros: Sequence[Distro], folders: dict[str, Path]) -> None:
        """Run each scenario under each distro in turn, again and again."""
        for number in range(self._runs):
            for scenario in self._scenarios:
                if scenario.few and number >= self._few:
                    continue
                _log(
                    f"round {number + 1} of {self._runs}: {' '.join(dict.fromkeys((scenario.measure, scenario.name)))}"
                )
                shown = [*distros, *([NONE] if scenario.without else [])]
                # Each round begins with another distro, so that none always follows the same one.
                first = number % len(shown)
                for distro in (*shown[first:], *shown[:first]):
                    key = f"{scenario.name}, {distro.name}"
                    if key in self.failures:
                        continue
                    try:
                        run = bench.run(scenario, distro, folders[distro.name])
                    except RunError as error:
                        # The other numbers are worth having all the same; this one would be of fewer runs.
                        self.failures[key] = str(error)
                        self.measured[scenario.name].pop(distro.name, None)
                        _log(str(error))
                    else:
                        self.measured[scenario.name].setdefault(distro.name, []).append(run)


def _copy_programs(folder: Path) -> Path:
    """Copy the programs, so that they import each other and nothing else of this repository; return their folder."""
    programs = folder / "root" / "benchmarks" / "programs"
    shutil.copytree(PROGRAMS, programs, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "__init__.py", programs.parent)
    return programs


def _log(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

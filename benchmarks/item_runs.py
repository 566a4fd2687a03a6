"""Runs a scenario once under a distro, and checks what arrived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.distros import NONE, Distro
from benchmarks.installer import last_lines, plain_environ, python_of
from benchmarks.item_scenarios import Scenario
from benchmarks.measuring import TIMEOUT, RunError
from benchmarks.receiver import Receiver

#: Seconds after the end of a process until its items are counted: the receiver may still be reading the last request.
_SETTLE = 0.05
#: The receiver's share of a core from which on it may have slowed the program down.
_BUSY = 0.7


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        numbers: by name; the program's own, and those of what arrived and of the end of the process.
        said: the lines on stderr.
    """

    numbers: dict[str, float]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """The things that all runs have in common.

    Attributes:
        programs: a copy of the programs, in packages as they are here.
        scratch: an empty folder: working directory and home of the programs.
    """

    receiver: Receiver
    protocol: str
    programs: Path
    scratch: Path

    def run(self, scenario: Scenario, distro: Distro, environment: Path) -> Run:
        """Run the program once. If items are missing that have to arrive, the run is repeated once.

        Raises: :class:`RunError`.
        """
        try:
            return self._run(scenario, distro, environment)
        except _MissingError:
            return self._run(scenario, distro, environment)

    def _run(self, scenario: Scenario, distro: Distro, environment: Path) -> Run:
        protocol = distro.protocol or self.protocol
        environ = plain_environ(
            HOME=str(self.scratch),
            PYTHONPATH=str(self.programs.parent.parent),
            OTEL_SERVICE_NAME="benchmark",
            OTEL_EXPORTER_OTLP_ENDPOINT=self.receiver.endpoint(protocol),
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            # Metrics are exported when they are flushed and at the end, not while something is measured.
            OTEL_METRIC_EXPORT_INTERVAL="600000",
        )
        environ["PATH"] = f"{environment / 'bin'}{os.pathsep}{environ['PATH']}"
        environ.update(distro.environ)
        command = [str(python_of(environment)), str(self.programs / scenario.program), *scenario.arguments]
        words, environ = distro.launcher.apply(environment, command, environ)
        where = f"{scenario.name}, {distro.name}"
        self.receiver.count()
        begin = time.monotonic()
        output, stderr, end = self._start(where, words, environ)
        time.sleep(_SETTLE)
        arrived = self.receiver.count()
        try:
            numbers: dict[str, float] = {
                key: number for line in output.splitlines() for key, number in json.loads(line).items()
            }
            ending = end - numbers.pop("end_of_main")
        except (ValueError, KeyError):
            raise RunError(f"{where}: printed {output[-500:]!r}\n{last_lines(stderr)}") from None
        numbers |= {"ending_ms": ending * 1000, "receiver_cores": arrived["cpu"] / (end - begin)}
        if distro is not NONE:
            numbers |= _compare(where, scenario, numbers["recorded"], arrived, stderr)
        return Run(numbers, tuple(stderr.splitlines()))

    def _start(self, where: str, words: Sequence[str], environ: dict[str, str]) -> tuple[str, str, float]:
        """Run a command; return its output, its stderr and the time at which it ended."""
        # Files, since a pipe would have to be read while the program runs, and on its cores.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(  # noqa: S603  (the benchmark's own program)
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environ,
                cwd=self.scratch,
                start_new_session=True,
            )
            # `wait` with a timeout would look only now and then, and the time of the end would not be exact.
            timer = threading.Timer(TIMEOUT, os.killpg, (process.pid, signal.SIGKILL))
            timer.start()
            try:
                status = process.wait()
                end = time.monotonic()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                timer.cancel()
            output.seek(0)
            errors.seek(0)
            stderr = errors.read().decode(errors="replace")
            if status:
                raise RunError(f"{where}: ended with status {status}\n{last_lines(stderr)}")
            return output.read().decode(), stderr, end


class _MissingError(RunError):
    """Items did not arrive that have to."""


def _compare(
    where: str, scenario: Scenario, recorded: float, arrived: dict[str, float], stderr: str
) -> dict[str, float]:
    """Return what is missing.

    Raises: :class:`RunError`.
    """
    found = arrived[scenario.signal]
    if scenario.complete and found != recorded:
        raise _MissingError(f"{where}: {found:,.0f} of {recorded:,.0f} items arrived\n{last_lines(stderr)}")
    if found > recorded:
        raise RunError(f"{where}: {found:,.0f} items arrived, and {recorded:,.0f} were recorded")
    if arrived["attributes"] < scenario.attributes:
        raise RunError(f"{where}: a span arrived with {arrived['attributes']:.0f} attributes, not all of them")
    lost = recorded - found
    return {"arrived": found, "lost": lost, "lost_percent": 100 * lost / recorded}


def find_busy_receiver(run: Run) -> float | None:
    """Return the receiver's share of a core if it may have slowed the program down."""
    cores = run.numbers["receiver_cores"]
    return cores if cores > _BUSY else None

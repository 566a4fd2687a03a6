"""Runs a case under each launcher in turn, and checks that its telemetry arrived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cases import DJANGO_SITE, SYSTEM_METRICS, Case
from benchmarks.environments import Environments
from benchmarks.installer import BenchmarkError, last_lines, plain_environ, python_of
from benchmarks.launchers import BARE, Launcher
from benchmarks.receiver import Delivered, Receiver

#: Seconds until a run is taken for hung.
TIMEOUT = 300


class RunError(Exception):
    """A program failed, or its telemetry did not arrive."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds, seconds and bytes; no memory for child processes."""

    wall: float
    cpu: float
    peak: float | None


@dataclass
class Result:
    """All about one case: for each launcher its runs, the number of modules, and what arrived in the first run."""

    case: Case
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    modules: dict[str, int] = field(default_factory=dict)
    delivered: dict[str, Delivered] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """The things that all runs have in common.

    Attributes:
        programs: a copy of the programs.
        scratch: an empty folder: working directory and home of the programs.
    """

    environments: Environments
    receiver: Receiver
    protocol: str
    programs: Path
    scratch: Path

    def check(self, case: Case, launchers: Sequence[Launcher], log: Callable[[str], None]) -> Result:
        """Run the case under each launcher, once to check what arrives, and once to count modules.

        Raises: :class:`RunError`.
        """
        result = Result(case)
        for launcher in launchers:
            log(f"checking {case.name}, {launcher.name}")
            _, result.delivered[launcher.name] = self._run(case, launcher, BENCHMARK_CHILDREN="1")
            result.modules[launcher.name] = self._count_modules(case, launcher)
            result.samples[launcher.name] = []
        return result

    def measure(self, result: Result, launchers: Sequence[Launcher], runs: int, log: Callable[[str], None]) -> None:
        """Run the case under each launcher in turn, ``runs`` times, and add the numbers to the result.

        Raises: :class:`RunError`.
        """
        case = result.case
        for number in range(runs):
            log(f"measuring {case.name}, {number + 1} of {runs}")
            # Each round begins with another launcher, so that none always follows the same one.
            first = number % len(launchers)
            for launcher in (*launchers[first:], *launchers[:first]):
                sample, _ = self._run(case, launcher)
                result.samples[launcher.name].append(sample)

    def _run(self, case: Case, launcher: Launcher, **more: str) -> tuple[Sample, Delivered]:
        program, *arguments = case.arguments
        command = [program if program == "-c" else str(self.programs / program), *arguments]
        self.receiver.take()
        output, measured, stderr = self._start(case, launcher, command, more)
        delivered = self.receiver.take()
        where = f"{case.name}, {launcher.name}"
        if case.output is not None and output != case.output:
            raise RunError(f"{where}: printed {output!r}, not {case.output!r}\n{last_lines(stderr)}")
        if problem := find_missing(case, launcher, delivered):
            raise RunError(f"{where}: {problem}\n  stderr:\n{last_lines(stderr)}")
        if case.children:
            printed = json.loads(output)
            return Sample(printed["wall"], printed["cpu"], None), delivered
        wall, cpu, peak = measured
        return Sample(wall, cpu, peak), delivered

    def _count_modules(self, case: Case, launcher: Launcher) -> int:
        """Return the number of modules at the end of the program, or of its last child."""
        file = self.scratch / "modules"
        file.unlink(missing_ok=True)
        counter = [str(self.programs / "count_modules.py"), str(file)]
        program, *arguments = case.arguments
        if case.children:
            child = {"BENCHMARK_CHILD": json.dumps([*counter, "-c", "pass"]), "BENCHMARK_CHILDREN": "1"}
            self._start(case, launcher, [str(self.programs / program)], child)
        else:
            name = program if program == "-c" else str(self.programs / program)
            self._start(case, launcher, [*counter, name, *arguments], {})
        return int(file.read_text("utf-8"))

    def _start(
        self, case: Case, launcher: Launcher, command: Sequence[str], more: dict[str, str]
    ) -> tuple[str, tuple[float, float, float], str]:
        """Run ``python COMMAND`` under the launcher; return its output, wall, CPU and peak, and its stderr."""
        pair = self.environments.fifty if case.fifty else self.environments.none
        if pair is None:
            raise BenchmarkError("the environments with fifty instrumentations were not prepared")
        environment = pair.without if launcher.attached else pair.ours if launcher.ours else pair.upstream
        folders = {DJANGO_SITE: self.programs / "django_site", SYSTEM_METRICS: self.environments.system_metrics}
        environ = plain_environ(
            HOME=str(self.scratch),
            OTEL_SERVICE_NAME="benchmark",
            OTEL_EXPORTER_OTLP_PROTOCOL=self.protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=self.receiver.endpoint(self.protocol),
        )
        environ["PATH"] = f"{environment / 'bin'}{os.pathsep}{environ['PATH']}"
        environ.update(more)
        for name, value in case.environ.items():
            environ[name] = str(folders.get(value, value))
        where = pair.folder if launcher.attached else environment
        started, environ = launcher.apply(where, [str(python_of(environment)), *command], environ)
        return self._time(f"{case.name}, {launcher.name}", started, environ)

    def _time(
        self, where: str, command: Sequence[str], environ: dict[str, str]
    ) -> tuple[str, tuple[float, float, float], str]:
        file = self.scratch / "timed"
        timed = [sys.executable, "-I", "-S", str(self.programs / "timed.py"), str(file), *command]
        process = subprocess.Popen(  # noqa: S603  (the benchmark's own program)
            timed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
            cwd=self.scratch,
            start_new_session=True,
        )
        try:
            output, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise RunError(f"{where}: did not end within {TIMEOUT} s") from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        if process.returncode:
            raise RunError(f"{where}: cannot be started\n{last_lines(stderr)}")
        wall, cpu, peak, status = file.read_text("utf-8").split()
        if int(status):
            raise RunError(f"{where}: ended with status {status}\n{last_lines(stderr)}")
        return output, (float(wall), float(cpu), float(peak)), stderr


def find_missing(case: Case, launcher: Launcher, delivered: Delivered) -> str | None:
    """Compare what arrived with what has to; return a message, or ``None`` if all is there."""
    arrived = "; ".join(f"{signal}: {', '.join(names) or 'none'}" for signal, names in delivered.items())
    if case.expected.nothing or launcher is BARE:
        return f"telemetry arrived, and none may: {arrived}" if any(delivered.values()) else None
    expected = {"spans": case.expected.spans, "metrics": case.expected.metrics, "logs": case.expected.logs}
    missing = [
        f"{name!r} ({signal})" for signal, names in expected.items() for name in names if name not in delivered[signal]
    ]
    return f"did not arrive: {', '.join(missing)}; arrived: {arrived}" if missing else None

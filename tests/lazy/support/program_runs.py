"""Runs a program under a launcher, with a receiver of its own, and compares two runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from http_peer import HTTPPeer
from interpreters import Environment
from processes import clean_environ
from program_table import Program
from telemetry_lines import telemetry_lines

FOLDER = Path(__file__).parents[1] / "programs"
#: The settings that the two runs differ in.
EAGER = {"DISTROKIT_LAZY": "0"}
DEFAULT: dict[str, str] = {}
STDIN = "one\ntwo\n"
#: Ids of tasks, traces and spans; addresses of objects; times and durations.
VARYING = {
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "UUID",
    r"\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b": "ID",
    r"\b0x[0-9a-f]+\b": "ADDRESS",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\b": "TIME",
    r"\b\d+\.\d+ms\b": "DURATION",
}

#: Everything that a program did, in lines, by part. ``stdout`` and ``stderr`` are in their order, the others are sorted.
Outcome = dict[str, list[str]]


def make_environment(folder: Path, wheels: Path) -> None:
    """The libraries and instrumentations of ``requirements.txt``, distrokit's wheels, and byte code of everything."""
    options = ["--only-binary", ":all:", "--compile-bytecode", "-r", str(FOLDER.with_name("requirements.txt"))]
    Environment(folder, wheels).install("distrokit[otlp]", options=options)


def run_both(
    environment: Path, program: Program, folder: Path, modes: tuple[Mapping[str, str], Mapping[str, str]]
) -> tuple[Outcome, Outcome]:
    """Both runs at the same time, each in a folder of its own. ``environment`` is the folder of a virtual environment."""
    folders = [folder / "one", folder / "two"]
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(run_program, [environment] * 2, [program] * 2, folders, modes)
    return one, two


def run_program(environment: Path, program: Program, folder: Path, mode: Mapping[str, str]) -> Outcome:
    """Raises ``subprocess.TimeoutExpired`` after a minute."""
    folder.mkdir()
    names = {"path": str(FOLDER / f"{program.name}.py"), "folder": str(FOLDER)}
    python = [str(environment / "bin" / "python"), *(argument.format(**names) for argument in program.arguments)]
    env = {name: text.format(**names) for name, text in program.env.items()}
    launcher = ["run"] if program.launcher == "distrokit" else []
    command = [str(environment / "bin" / program.launcher), *launcher, *python]
    with HTTPPeer() as peer:
        environ = _environ(environment, folder, {**env, **mode, "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint})
        out, err, code = _run(command, environ, folder)
        telemetry = telemetry_lines(peer)
    places = {"FOLDER": folder, "PROGRAMS": FOLDER, "ENVIRONMENT": environment}
    return {
        **{part: sorted(_make_plain(lines, places)) for part, lines in telemetry.items()},
        "stdout": _make_plain(out.splitlines(), places),
        "stderr": _make_plain(err.splitlines(), places),
        "exit code": [str(code)],
    }


def differences(one: Outcome, two: Outcome) -> dict[str, tuple[list[str], list[str]]]:
    """For each part that is not the same: the lines that only one and only two has; the whole part if their order differs."""
    found = {}
    for part in one:
        if one[part] != two[part]:
            first, second = Counter(one[part]), Counter(two[part])
            only = sorted((first - second).elements()), sorted((second - first).elements())
            found[part] = only if any(only) else (one[part], two[part])
    return found


def _run(command: list[str], environ: dict[str, str], folder: Path) -> tuple[str, str, int]:
    with subprocess.Popen(
        command,
        env=environ,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(STDIN, timeout=60)
        except BaseException:
            # With its children.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return out, err, process.returncode


def _environ(environment: Path, folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    environ = clean_environ(
        {
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONHASHSEED": "0",
            **settings,
        }
    )
    # coverage is not installed there.
    return {name: text for name, text in environ.items() if not name.startswith("COV")}


def _make_plain(lines: list[str], places: Mapping[str, Path]) -> list[str]:
    """Without what differs in every run: folders, and :data:`VARYING`."""
    text = "\0".join(lines)
    for name, path in places.items():
        text = text.replace(str(path), name)
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return text.split("\0") if lines else []

"""Runs programs the way a user does: under the real ``opentelemetry-instrument``, in a subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

BIN = Path(sys.executable).parent

#: No receiver listens there; nothing waits for it either, since nothing is recorded.
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
#: For outages whose length is not what is tested: the end does not wait for a receiver that never comes.
BRIEF = {"DISTROKIT_EXIT_TIMEOUT": "300"}
#: Such an outage: nothing listens on port 9.
NOWHERE = {**BRIEF, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "200"}
#: Instrumentations of libraries that a program does not use are a third of what its start costs. So they are off,
#: where neither they nor the environment as a whole are what is tested.
LEAN = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,requests"}


def clean_environ(env: Mapping[str, str] | None = None, path: Sequence[Path] = ()) -> dict[str, str]:
    """This environment without telemetry settings, plus ``env``, with ``path`` as ``PYTHONPATH``."""
    kept = {n: t for n, t in os.environ.items() if not n.startswith(("OTEL_", "DISTROKIT_", "PYTHONPATH"))}
    # Without byte code on disk every process would compile OpenTelemetry once more.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    if path:
        kept["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return {**kept, **(env or {})}


def instrumented(
    program: str,
    env: Mapping[str, str] | None = None,
    path: Sequence[Path] = (),
    options: Sequence[str] = (),
    cwd: Path | None = None,
    *,
    lean: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program's source under ``opentelemetry-instrument``, as :data:`LEAN`; its exit code is not checked."""
    command = [str(BIN / "opentelemetry-instrument"), *options, sys.executable, "-c", dedent(program)]
    return run(command, {**(LEAN if lean else {}), **(env or {})}, path, cwd)


def run(
    command: Sequence[str], env: Mapping[str, str] | None = None, path: Sequence[Path] = (), cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run any command in a clean environment."""
    return subprocess.run(command, env=clean_environ(env, path), capture_output=True, text=True, timeout=120, cwd=cwd)


def distrokit(*arguments: str, env: Mapping[str, str] | None = None, path: Sequence[Path] = ()):
    """Run the ``distrokit`` command."""
    return run([str(BIN / "distrokit"), *arguments], env, path)


def configured(
    program: str,
    file: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    path: Sequence[Path] = (),
    *,
    lean: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program as :func:`instrumented`, with this text as its configuration file."""
    (folder / "otel.yaml").write_text(dedent(file))
    return instrumented(program, {"OTEL_CONFIG_FILE": "otel.yaml", **(env or {})}, path, cwd=folder, lean=lean)


def said(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines distrokit printed on stderr."""
    return [line for line in result.stderr.splitlines() if line.startswith("distrokit: ")]

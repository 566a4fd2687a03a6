"""Runs programs the way a user does: in a subprocess, with the folder of OpenTelemetry's launcher on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

BIN = Path(sys.executable).parent
#: The folder whose ``sitecustomize`` starts OpenTelemetry.
AUTO_INSTRUMENTATION = str(Path(str(find_spec("opentelemetry.instrumentation.auto_instrumentation").origin)).parent)

#: No receiver listens there; nothing waits for it either, since nothing is recorded.
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
#: For outages whose length is not what is tested: the end does not wait for a receiver that never comes.
BRIEF = {"DISTROKIT_EXIT_TIMEOUT": "300"}
#: Such an outage: nothing listens on port 9.
NOWHERE = {**BRIEF, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "200"}
#: Instrumentations of libraries that a program does not use are a third of what its start costs. So they are off,
#: where neither they nor the environment as a whole are what is tested.
LEAN = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,requests"}


#: Telemetry starts with the process, not with its first use.
EAGER = {"DISTROKIT_LAZY": "0"}
#: Words in programs that use telemetry, or libraries with instrumentations.
_USES = ("opentelemetry", "logging", "logger", "flask", "requests", "django", "distrokit", "import app")


def _uses_telemetry(program: str) -> bool:
    """Tell whether a program uses telemetry; one that does not would not start it, and nothing would be said."""
    return any(word in program for word in _USES)


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
    launcher: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program's source with OpenTelemetry's folder on PYTHONPATH, as :data:`LEAN`; its exit code is not checked.

    So does the Kubernetes operator. ``opentelemetry-instrument`` puts distrokit's folder there and replaces itself by the
    program (``test_launched.py`` compares). It runs with ``options`` of its own, and with ``launcher``
    (:data:`under_launcher`), as for other vendors' distros and for what ends it.
    """
    settings = {**(LEAN if lean else {}), **({} if _uses_telemetry(program) else EAGER), **(env or {})}
    program_of = [sys.executable, "-c", dedent(program)]
    if options or launcher:
        return run([str(BIN / "opentelemetry-instrument"), *options, *program_of], settings, path, cwd)
    return run(program_of, launched(settings, path, cwd), cwd=cwd)


under_launcher = partial(instrumented, launcher=True)


def launched(env: Mapping[str, str], path: Sequence[Path] = (), cwd: Path | None = None) -> dict[str, str]:
    """``env`` with the PYTHONPATH that OpenTelemetry's own launcher gives its program."""
    given = [*map(str, path), *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    here = str(cwd or Path.cwd())
    whole = [AUTO_INSTRUMENTATION, *([] if here in given else [here]), *given]
    return {**env, "PYTHONPATH": os.pathsep.join(whole)}


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

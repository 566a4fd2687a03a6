"""Makes virtual environments and installs packages into them, with uv or with venv and pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class BenchmarkError(Exception):
    """The benchmark cannot go on; the message is for the person at the keyboard."""


def python_of(environment: Path) -> Path:
    """Return an environment's interpreter."""
    return environment / "bin" / "python"


def create_environment(folder: Path) -> None:
    """Make an empty environment of the running interpreter's version, in place of what the folder has."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if uv := shutil.which("uv"):
        run_quietly([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)])
    else:
        run_quietly([sys.executable, "-m", "venv", str(folder)])


def install(environment: Path, arguments: Sequence[str], *, from_source: bool = False) -> None:
    """Install packages, with bytecode.

    Args:
        arguments: what ``pip install`` takes.
        from_source: build packages from local folders, without uv's sources, which would install links to the folders.
            Otherwise only wheels are accepted.
    """
    python = str(python_of(environment))
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", python, "--compile-bytecode"]
        command += ["--no-sources"] if from_source else ["--only-binary", ":all:"]
    else:
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += [] if from_source else ["--only-binary", ":all:"]
    run_quietly([*command, *arguments])


def run_quietly(command: Sequence[str], *, environ: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and return its output.

    Raises: :class:`BenchmarkError` with the end of its stderr if it fails.
    """
    result = subprocess.run(  # noqa: S603  (the benchmark's own commands)
        command, capture_output=True, text=True, check=False, env=environ, cwd=cwd, stdin=subprocess.DEVNULL
    )
    if result.returncode:
        words = " ".join(command[:4])
        raise BenchmarkError(f"{words} … ended with {result.returncode}:\n{last_lines(result.stderr)}")
    return result.stdout


def last_lines(text: str, count: int = 15) -> str:
    """Return the end of a program's output, indented."""
    lines = text.rstrip().splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines) or "    (no output)"


def plain_environ(**settings: str) -> dict[str, str]:
    """Return an environment without anybody's settings for Python and OpenTelemetry."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **settings}

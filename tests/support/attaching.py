"""A folder of ``distrokit build``, made once for all workers, and programs that it is attached to."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from interpreters import ROOT, find
from processes import clean_environ

#: What is in the folder beside distrokit: instrumentations of the libraries that the tests' applications use.
INSTRUMENTATIONS = tuple(
    f"opentelemetry-instrumentation-{name}"
    for name in [
        "asgi",
        "botocore",
        "celery",
        "django",
        "fastapi",
        "flask",
        "grpc",
        "logging",
        "pika",
        "requests",
        "sqlite3",
        "urllib3",
        "wsgi",
    ]
)


def index_environ(wheels: Path) -> dict[str, str]:
    """Settings of uv: the project's wheels, and the registry as it was on the project's day."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    day = next(line for line in lines if line.startswith("exclude-newer")).split('"')[1]
    return {"UV_FIND_LINKS": str(wheels), "UV_EXCLUDE_NEWER": day, "UV_NO_CONFIG": "1", "UV_COMPILE_BYTECODE": "0"}


def build(*words: str, wheels: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``distrokit build``; its exit code is not checked."""
    command = [sys.executable, "-m", "distrokit", "build", *words]
    environ = clean_environ({**index_environ(wheels), **(env or {})})
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600, cwd=ROOT.parent)


def make_wheels(folder: Path) -> Path:
    """Every member's wheel, made once."""
    with _locked(folder) as is_first:
        if is_first:
            command = ["uv", "build", "--quiet", "--all-packages", "--wheel", "--out-dir", str(folder)]
            subprocess.run(command, cwd=ROOT, env=clean_environ(), check=True, timeout=300)
    return folder


def make_folder(folder: Path, wheels: Path) -> Path:
    """The folder that most tests attach, with byte code for every Python that they run; made once."""
    with _locked(folder) as is_first:
        if is_first:
            pythons = [
                word
                for version in ("3.10", "3.11", "3.12", "3.13")
                for word in ("--python", find(version))
                if find(version)
            ]
            words = ["--target", str(folder), *map(str, pythons), "distrokit[otlp]", *INSTRUMENTATIONS]
            built = build(*words, wheels=wheels)
            assert built.returncode == 0, built.stdout + built.stderr
    return folder


def attached(
    python: str | Path,
    words: Sequence[str],
    folder: Path | str | None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a Python with a folder on PYTHONPATH; ``None`` for none."""
    environ = clean_environ(env)
    if folder or str(python) != sys.executable:
        # Coverage is not installed there.
        environ = {name: text for name, text in environ.items() if not name.startswith("COV")}
    before = environ.get("PYTHONPATH")
    path = [*([str(folder)] if folder else []), *([before] if before else [])]
    if path:
        environ["PYTHONPATH"] = os.pathsep.join(path)
    return subprocess.run(
        [str(python), *words], env=environ, capture_output=True, text=True, timeout=120, cwd=cwd or ROOT.parent
    )


class _locked:  # noqa: N801  (a block)
    """A block that one process enters at a time; tells whether the folder is to be made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> bool:
        self._file = self._folder.with_suffix(".lock").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return not self._folder.exists()

    def __exit__(self, *_: object) -> None:
        self._file.close()

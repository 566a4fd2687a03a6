"""The Pythons on this machine, and fresh environments made of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from processes import clean_environ

ROOT = Path(__file__).parents[2]

#: Every Python that distrokit supports.
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")


def find(version: str) -> str | None:
    """The path of an interpreter; ``None`` when this machine has none of that version."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    known = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python{version}"))
    if known:
        return str(known[-1])
    found = subprocess.run(
        ["uv", "python", "find", "--no-python-downloads", "--no-project", version], capture_output=True, text=True
    )
    return found.stdout.strip() or None


class Environment:
    """A fresh virtual environment outside the checkout."""

    def __init__(self, folder: Path, wheels: Path, python: str = sys.executable) -> None:
        self.folder, self.wheels = folder, wheels
        self._run(["uv", "venv", "--quiet", "--python", python, str(folder)])

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def install(self, *requirements: str, options: Sequence[str] = ()) -> None:
        """With uv, from the built wheels and the registry, as it was on the project's day."""
        day = next(
            line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("exclude-newer")
        )
        command = ["uv", "pip", "install", "--quiet", "--no-config", "--python", str(self.bin / "python")]
        command += ["--exclude-newer", day.split('"')[1], "--find-links", str(self.wheels), *options]
        self._run([*command, *requirements])

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A program of this environment, outside the checkout."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            env=_without_coverage({**clean_environ(env), "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def installed(self) -> set[str]:
        """The names of the distributions in it."""
        code = "from importlib.metadata import distributions as d; print(*{x.name.lower() for x in d()})"
        return set(self.run("python", "-c", code).stdout.split())

    def _run(self, command: list[str]) -> None:
        # Only what a test imports is compiled.
        env = {name: text for name, text in clean_environ().items() if name != "UV_COMPILE_BYTECODE"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, cwd=ROOT.parent)
        assert done.returncode == 0, done.stderr


def _without_coverage(environ: dict[str, str]) -> dict[str, str]:
    # coverage is not installed there.
    return {name: text for name, text in environ.items() if not name.startswith("COV")}

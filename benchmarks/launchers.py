"""The ways in which a program is started: without telemetry, with upstream's distro, with distrokit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installer import plain_environ

Environ = dict[str, str]


@dataclass(frozen=True)
class Launcher:
    """A way to start a program.

    Attributes:
        name: for the table.
        ours: true in distrokit's environment, false in upstream's.
        apply: gets the environment's folder, a command and its environment variables; returns both as they are started.
        attached: true in an environment without telemetry; ``apply`` gets the folder that is attached.
    """

    name: str
    ours: bool
    apply: Callable[[Path, list[str], Environ], tuple[list[str], Environ]]
    attached: bool = False


def _program(*words: str) -> Callable[[Path, list[str], Environ], tuple[list[str], Environ]]:
    """Return a launcher that is a program of the environment."""

    def apply(environment: Path, command: list[str], environ: Environ) -> tuple[list[str], Environ]:
        return [str(environment / "bin" / words[0]), *words[1:], *command], environ

    return apply


BARE = Launcher("bare", ours=False, apply=lambda _, command, environ: (command, environ))
UPSTREAM = Launcher("upstream", ours=False, apply=_program("opentelemetry-instrument"))
RUN = Launcher("distrokit run", ours=True, apply=_program("distrokit", "run"))
INSTRUMENT = Launcher("opentelemetry-instrument", ours=True, apply=_program("opentelemetry-instrument"))


def _attach(folder: Path, command: list[str], environ: Environ) -> tuple[list[str], Environ]:
    path = os.pathsep.join(filter(None, (str(folder), environ.get("PYTHONPATH"))))
    return command, {**environ, "PYTHONPATH": path}


ATTACHED = Launcher("attached", ours=True, apply=_attach, attached=True)


def find_launchers(ours: Path) -> list[Launcher]:
    """Return all launchers; without ``PYTHONPATH`` if this distrokit has no command ``path``.

    Args:
        ours: an environment with distrokit.
    """
    launchers = [BARE, UPSTREAM, RUN, INSTRUMENT, ATTACHED]
    command = [str(ours / "bin" / "distrokit"), "path"]
    result = subprocess.run(  # noqa: S603  (the benchmark's own environment)
        command, capture_output=True, text=True, check=False, env=plain_environ()
    )
    if result.returncode == 0 and Path(result.stdout.strip()).is_dir():
        launchers.append(Launcher("PYTHONPATH", ours=True, apply=_with_path))
    return launchers


def _with_path(environment: Path, command: list[str], environ: Environ) -> tuple[list[str], Environ]:
    """Put the folder that ``distrokit path`` prints first on PYTHONPATH."""
    if environment not in _PATHS:
        program = [str(environment / "bin" / "distrokit"), "path"]
        result = subprocess.run(  # noqa: S603  (as above)
            program, capture_output=True, text=True, check=True, env=plain_environ()
        )
        _PATHS[environment] = result.stdout.strip()
    path = os.pathsep.join(filter(None, (_PATHS[environment], environ.get("PYTHONPATH"))))
    return command, {**environ, "PYTHONPATH": path}


#: The folder of each environment, so that the command runs once.
_PATHS: dict[Path, str] = {}

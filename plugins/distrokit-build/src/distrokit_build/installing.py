"""Installs requirements into a folder of their own, and makes wheels of projects, with uv or pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from distrokit_build.errors import BuildError

#: Seconds for one command of the installer.
_PATIENCE = 900


def install(requirements: Sequence[str], files: Sequence[str], folder: Path) -> None:
    """Install requirements, and those listed in files, with what they need.

    Args:
        requirements: as pip takes them; a path names a project.
        files: requirement files.
        folder: is made.

    Raises: :class:`BuildError`: they cannot be installed; the installer's own words are in it.
    """
    words = [word for file in files for word in ("-r", file)] + [_as_requirement(text) for text in requirements]
    if uv := shutil.which("uv"):
        # Refreshed: uv would install what it has built of a project before, whatever has changed in it.
        command = [uv, "pip", "install", "--quiet", "--refresh", "--python", sys.executable, "--target", str(folder)]
    elif find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(folder)]
    else:
        raise _no_installer("requirements")
    _run([*command, *words], "the requirements cannot be installed")


def unpack_project(project: Path, folder: Path) -> None:
    """Build the wheel of a project, without what it needs, and unpack it.

    Raises: :class:`BuildError`.
    """
    wheels = folder / "wheel"
    if uv := shutil.which("uv"):
        command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(wheels), str(project)]
    elif find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(wheels), str(project)]
    else:
        raise _no_installer(f"{project}, which is installed in editable mode")
    _run(command, f"{project}, which is installed in editable mode, cannot be built")
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    shutil.rmtree(wheels)


def _as_requirement(text: str) -> str:
    """Return the folder of a project's ``pyproject.toml``; anything else as it is."""
    path = Path(text)
    return str(path.absolute().parent) if path.name == "pyproject.toml" and path.is_file() else text


def _run(command: Sequence[str], failure: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603  # an installer
    except subprocess.TimeoutExpired:
        raise BuildError(f"{failure}: {command[0]} took longer than {_PATIENCE} seconds", "Try it again.") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BuildError(f"{failure}:\n{said}\n", "Correct the requirement that it names.")


def _no_installer(what: str) -> BuildError:
    return BuildError(f"{what}: there is neither uv nor pip here", "Install one: python -m ensurepip")

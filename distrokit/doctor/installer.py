"""The command line that installs packages here, for the tool that made this environment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from distrokit.lazy.entry_point_files import find_attached
from distrokit.settings.frozen_programs import in_bundle, to_install

#: A project's lock file; the command that adds a package; and a folder name in the path of environments that the tool
#: keeps outside the project.
_PROJECTS = (
    ("uv.lock", "uv add", ""),
    ("poetry.lock", "poetry add", "pypoetry"),
    ("pdm.lock", "pdm add", "pdm"),
    ("Pipfile.lock", "pipenv install", "virtualenvs"),
)


def install_line(*requirements: str, python: str = "", upgrade: bool = False) -> str:
    """Return ``uv add …``, ``poetry add …``, ``uv pip install …`` or ``python -m pip install …``.

    For a built program and an attached folder, where nothing is installed, return a sentence.

    Args:
        python: of the environment to install into; empty for this one.
        upgrade: replace installed versions by ones that fit one another.
    """
    if not python and (in_bundle() or find_attached()):
        return to_install(*requirements)
    tool = _tool(Path(python or sys.executable))
    # A tool that adds to a project always looks for versions that fit.
    words = ["--upgrade"] if upgrade and "pip install" in tool else []
    return " ".join([tool, *words, *map(shlex.quote, requirements)])


def keeps_lock_file(python: str = "") -> bool:
    """True if the tool of an environment, empty for this one, resolves all packages of the project on each change."""
    return "pip install" not in _tool(Path(python or sys.executable))


def _tool(python: Path) -> str:
    # Not resolved: an environment's `python` is a link to another folder.
    environment = python.absolute().parent.parent
    for folder in (Path.cwd(), *Path.cwd().parents):
        for lock, tool, elsewhere in _PROJECTS:
            # Only the project that this environment belongs to, not any other above the working directory.
            its_own = environment.is_relative_to(folder) or (elsewhere and elsewhere in environment.parts)
            if its_own and (folder / lock).is_file():
                return tool
    try:
        lines = (environment / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        lines = []
    if any(line.partition("=")[0].strip() == "uv" for line in lines):
        return f"uv pip install --python {shlex.quote(str(python))}"
    return f"{shlex.quote(str(python))} -m pip install"

"""How packages are installed here: the line to type, for the tool that made this environment."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

#: A lock file of a project, and how a package is added to it.
_PROJECTS = {"uv.lock": "uv add", "poetry.lock": "poetry add", "pdm.lock": "pdm add", "Pipfile.lock": "pipenv install"}


def install_line(*requirements: str) -> str:
    """``uv add …``, ``poetry add …``, ``uv pip install …`` or ``pip install …``; it is typed by a person, not run."""
    return f"{_tool()} {' '.join(shlex.quote(requirement) for requirement in requirements)}"


def _tool() -> str:
    for lock, tool in _PROJECTS.items():
        if any((folder / lock).is_file() for folder in _folders()):
            return tool
    marker = Path(sys.prefix, "pyvenv.cfg")
    try:
        made_by_uv = any(line.partition("=")[0].strip() == "uv" for line in marker.read_text().splitlines())
    except OSError:
        made_by_uv = False
    return "uv pip install" if made_by_uv else "pip install"


def _folders() -> Iterable[Path]:
    """Where this project may be: here and above."""
    here = Path.cwd()
    return (here, *here.parents)

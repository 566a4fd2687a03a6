"""How packages are installed here: the line to type, for the tool that made this environment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from distrokit.settings.bundles import in_bundle, to_install

#: A lock file of a project; how a package is added to it; and what is in the path of an environment that the tool keeps
#: elsewhere.
_PROJECTS = (
    ("uv.lock", "uv add", ""),
    ("poetry.lock", "poetry add", "pypoetry"),
    ("pdm.lock", "pdm add", "pdm"),
    ("Pipfile.lock", "pipenv install", "virtualenvs"),
)


def install_line(*requirements: str, python: str = "", upgrade: bool = False) -> str:
    """``uv add …``, ``poetry add …``, ``uv pip install …`` or ``python -m pip install …``; a person types it.

    Args:
        python: of the environment to install into; empty for this one. A program that is built, and whose environment
            nobody can change, gets a sentence.
        upgrade: to versions that fit one another, whatever is there.
    """
    if not python and in_bundle():
        return to_install(*requirements)
    tool = _tool(Path(python or sys.executable))
    # What adds to a project looks for versions that fit in any case.
    words = ["--upgrade"] if upgrade and "pip install" in tool else []
    return " ".join([tool, *words, *map(shlex.quote, requirements)])


def keeps_lock_file(python: str = "") -> bool:
    """Whether the tool of an environment, empty for this one, looks at all its packages whatever it is asked to add."""
    return "pip install" not in _tool(Path(python or sys.executable))


def _tool(python: Path) -> str:
    # Not resolved: the link in an environment leads out of it.
    environment = python.absolute().parent.parent
    for folder in (Path.cwd(), *Path.cwd().parents):
        for lock, tool, elsewhere in _PROJECTS:
            # The project whose environment this is, and not just any above the working directory.
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

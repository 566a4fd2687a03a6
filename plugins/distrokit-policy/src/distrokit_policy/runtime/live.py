"""Tells ``distrokit policy show --live`` what the policies of a running process do.

The command leaves a request in a folder that only this user can read; the process looks for one each second, and writes
its answer beside it. Nothing is written unless somebody asks.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def folder_of_user() -> Path:
    """Return the path of the folder; it need not exist. Raises ``OSError`` without a folder for temporary files."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"distrokit-policies-{user}"


def is_private(folder: Path) -> bool:
    """Tell whether a folder belongs to this user, and others can neither read nor write it."""
    try:
        state = folder.lstat()
    except OSError:
        return False
    owned = not hasattr(os, "getuid") or state.st_uid == os.getuid()
    return stat.S_ISDIR(state.st_mode) and owned and not state.st_mode & 0o077


def make_private(folder: Path) -> bool:
    """Make a folder that only this user can use; return whether there is one."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return False
    return is_private(folder)


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, as a whole. Raises ``OSError``."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def request_of(pid: int) -> Path:
    """Return the path of a request to a process."""
    return folder_of_user() / f"{pid}.request"


def answer_of(pid: int) -> Path:
    """Return the path of the answer of a process."""
    return folder_of_user() / f"{pid}.json"


class LiveRequests:
    """Answers requests to this process.

    Args:
        describe: returns the answer.
    """

    def __init__(self, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe

    def answer(self) -> None:
        """Answer a request, if there is one. Nothing is raised."""
        pid = os.getpid()
        try:
            request = request_of(pid)
            if not os.path.lexists(request) or not is_private(request.parent):
                return
            request.unlink()
            write_private(answer_of(pid), json.dumps(self._describe()))
        except OSError:
            # The command says that there was no answer.
            return

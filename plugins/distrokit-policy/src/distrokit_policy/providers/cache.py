"""The last good copy of policies on disk, for the next start."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from distrokit_policy.documents import MOST_BYTES, DocumentError, read_document
from distrokit_policy.runtime.live import folder_of_user, is_private, make_private, write_private


class PolicyCache:
    """A copy in a folder that only this user can use.

    Args:
        folder: empty for one in the system's folder for temporary files; ``none`` for no copy at all.
        key: what the copy is of; it is not written in clear, since an address may have secrets.

    Attributes:
        problem: why there is no copy; empty if there can be one.
    """

    def __init__(self, folder: str, key: str) -> None:
        self.problem = ""
        self._path: Path | None = None
        if folder.strip().lower() != "none":
            name = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
            try:
                self._path = (Path(folder) if folder else folder_of_user()) / f"policies-{name}.json"
            except OSError as error:
                self.problem = f"there is no folder for temporary files: {error.strerror or error}"

    def read(self) -> object:
        """Return the copy; ``None`` if there is none that can be trusted."""
        path = self._path
        if path is None or not path.exists():
            return None
        if not is_private(path.parent):
            self.problem = f"{path.parent} belongs to another user, or others can use it"
            return None
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                return read_document(file.read(MOST_BYTES + 1), is_json=True).data
        except (OSError, DocumentError) as error:
            self.problem = f"{path}: {error}"
            return None

    def write(self, text: str) -> None:
        """Replace the copy; a failure is noted in :attr:`problem`."""
        path = self._path
        if path is None:
            return
        if not make_private(path.parent):
            self.problem = f"{path.parent} cannot be made, belongs to another user, or others can use it"
            return
        try:
            write_private(path, text)
            self.problem = ""
        except OSError as error:
            self.problem = f"{path}: {error.strerror or error}"

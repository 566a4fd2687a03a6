"""The directory and its files: readable by the owner only, whatever the umask is."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

#: Version of the database format, part of its file name: a release with another format ignores this file.
FORMAT = 1
DATABASE, OWNERS = f"spool-v{FORMAT}.db", "owners"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class SpoolError(Exception):
    """The spool cannot be used now.

    Attributes:
        kind: a name for this kind of failure; each kind is logged once.
        cause: the reason, without a capital letter.
        remedy: how to correct it, as a sentence.
    """

    def __init__(self, kind: str, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.kind, self.cause, self.remedy = kind, cause, remedy


def prepare(directory: Path) -> None:
    """Create the directory (0700) if it does not exist, and check its owner and mode.

    Raises: :class:`SpoolError`.
    """
    refuse_file(directory)
    try:
        if not directory.is_dir():
            _make(directory)
        status = directory.stat()
    except OSError as error:
        raise SpoolError(
            "directory",
            f"the directory cannot be created: {error.strerror or error}",
            "Create it, or use one that this user can create.",
        ) from error
    refuse(status, directory)


def refuse_file(directory: Path) -> None:
    """Refuse a path at which, or above which, there is something other than a directory.

    Raises: :class:`SpoolError`.
    """
    for path in (directory, *directory.parents):
        with contextlib.suppress(OSError):
            if not stat.S_ISDIR(path.stat().st_mode):
                raise SpoolError("directory", f"{path} is no directory", "Name a directory, or a path for a new one.")


def refuse(status: os.stat_result, directory: Path) -> None:
    """Refuse a directory in which another user could place or redirect files.

    Raises: :class:`SpoolError`.
    """
    if status.st_uid != os.geteuid():
        raise SpoolError(
            "owner",
            f"it belongs to user {status.st_uid}, and this process runs as {os.geteuid()}",
            "Use a directory inside it; it is created for this user only.",
        )
    if status.st_mode & _OTHERS_WRITE:
        raise SpoolError(
            "mode",
            f"other users may write to it (mode {stat.S_IMODE(status.st_mode):04o})",
            f"Run `chmod go-w {directory}`.",
        )


def open_private(path: Path) -> int:
    """Open a file for reading and writing, create it (0600) if it does not exist, and return its descriptor.

    Raises:
        OSError: it cannot be opened; a symbolic link is not followed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
        os.fchmod(descriptor, 0o600)
    return descriptor


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file; ``None`` if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(0o700)
    except FileExistsError:
        if not directory.is_dir():
            raise
        # Another process has created it.
        return
    # The umask may have removed even the owner's rights.
    directory.chmod(0o700)

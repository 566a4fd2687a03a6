"""The directory and the files in it: for the eyes of the owner only, whatever the umask is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: Of the database, in its name: a release that writes another one leaves this one alone.
FORMAT = 1
DATABASE, OWNERS = f"spool-v{FORMAT}.db", "owners"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Unusable(Exception):  # noqa: N818  (what it says is of the spool)
    """The spool cannot be used now.

    Attributes:
        kind: of the trouble; one kind is said once.
        cause: what it is.
        remedy: the way to mend it, as a sentence.
    """

    def __init__(self, kind: str, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.kind, self.cause, self.remedy = kind, cause, remedy


def prepare(directory: Path) -> None:
    """Make the directory (0700) unless it is there, and see that nobody else can put files into it.

    Raises: :class:`Unusable`.
    """
    try:
        if not directory.is_dir():
            _make(directory)
        there = directory.stat()
    except OSError as error:
        raise Unusable(
            "directory",
            f"the directory cannot be made: {error.strerror or error}",
            "Make it, or name one that this user can make.",
        ) from error
    refuse(there, directory)


def refuse(there: os.stat_result, directory: Path) -> None:
    """See that nobody else could put files into it, or have them written where they like.

    Raises: :class:`Unusable`.
    """
    if there.st_uid != os.geteuid():
        raise Unusable(
            "owner",
            f"it belongs to user {there.st_uid}, and this process runs as {os.geteuid()}",
            "Name a directory inside it, which is then made for this user alone.",
        )
    if there.st_mode & _OTHERS_WRITE:
        raise Unusable(
            "mode",
            f"others may write there (mode {stat.S_IMODE(there.st_mode):04o})",
            f"Run `chmod go-w {directory}`.",
        )


def open_private(path: Path) -> int:
    """Open a file for reading and writing, made 0600 where there is none; a descriptor.

    Raises:
        OSError: it cannot be opened; a symbolic link is not followed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
        os.fchmod(descriptor, 0o600)
    return descriptor


def identity(path: Path) -> tuple[int, int] | None:
    """Which file this is at the moment; ``None`` where there is none."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _make(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(0o700)
    except FileExistsError:
        if not directory.is_dir():
            raise
        # Another process was quicker.
        return
    # The umask may have taken away even the owner's rights.
    directory.chmod(0o700)

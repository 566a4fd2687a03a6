"""Tells whether a file has changed, without reading it."""

from __future__ import annotations

from pathlib import Path

FileStamp = tuple[int, int, int, int]


def read_stamp(path: str) -> FileStamp:
    """Return what differs after a change of a file. Raises ``OSError``; ``ValueError`` for a path with a null byte."""
    status = Path(path).stat()
    # The change time also covers permissions.
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino

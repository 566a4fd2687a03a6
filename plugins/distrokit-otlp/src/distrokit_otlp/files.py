"""Files of certificates and keys."""

from __future__ import annotations

from errno import EINVAL
from pathlib import Path


def readable(path: str) -> bytes:
    """The content of a certificate's file.

    Raises: ``OSError``, also for what is no regular file, which might never end.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise OSError(EINVAL, "it is not a regular file", path)
    with Path(path).open("rb") as file:
        return file.read(1_000_000)

"""Ownership of batches: a process holds a kernel lock as long as it lives.

A process that takes a batch writes its own number into the batch's row. The number is an offset in a file, and the
process keeps that byte locked (``fcntl``, POSIX). When the process dies, the kernel releases the lock, and other
processes see at once that the batch has no owner. So no lease has to expire, no clock matters, and a slow or stopped
process is never mistaken for a dead one. A forked child does not inherit such locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from distrokit_spool.directory import SpoolError, identity, open_private

#: The byte that is locked while files are created or moved aside; owner numbers are larger.
_HOUSEKEEPING = 0
_LARGEST = 2**60
#: Seconds to wait for the housekeeping of another process.
_PATIENCE = 5.0


class Owner:
    """The lock of this process among those that share a directory.

    Closing any descriptor of the file releases all locks of the process. So the file is opened here only, and once.

    Raises:
        OSError: the file cannot be opened, or its file system has no locks.

    Attributes:
        number: of this process; a forked child needs another one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_private(path)
        try:
            self.identity = identity(path)
            # SystemRandom: forked children and tests share the state of the seeded generator.
            self.number = random.SystemRandom().randrange(_HOUSEKEEPING + 1, _LARGEST)
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.number)
        except OSError:
            os.close(self._descriptor)
            raise

    @property
    def current(self) -> bool:
        """True if other processes use the same file; somebody may have deleted it."""
        return self.identity is not None and self.identity == identity(self._path)

    def is_alive(self, number: int) -> bool:
        """True if the process with this number runs."""
        if number == self.number:
            return True
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return True
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
        return False

    @contextlib.contextmanager
    def housekeeping(self) -> Iterator[None]:
        """Lock out other processes for the length of the block.

        Raises: :class:`SpoolError` if another process holds the lock too long.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _HOUSEKEEPING)
                break
            except OSError as error:
                if time.monotonic() > end:
                    raise SpoolError(
                        "busy", "another process keeps it locked", "Find that process if this lasts."
                    ) from error
                time.sleep(0.01)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _HOUSEKEEPING)

    def close(self) -> None:
        """Release the number; in a forked child, whose locks belong to the parent, only the descriptor."""
        os.close(self._descriptor)

"""Who is sending what: processes that hold a lock of the kernel's for as long as they live.

A process that takes a batch writes its own number beside it. The number is an offset in a file of which it keeps that
one byte locked (``fcntl``, POSIX). When it dies, of whatever, the kernel lets go of the lock, and everybody can see at
once that nobody is sending that batch any more. So there is no lease to run out, no clock to trust, and a process that
was only slow, or stopped, is never taken for a dead one. A child of a fork does not inherit such locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from distrokit_spool.directory import Unusable, identity, open_private

#: The byte that is locked while files are made, or put aside; numbers begin after it.
_HOUSEKEEPING = 0
_LARGEST = 2**60
#: Seconds that one waits for the housekeeping of another.
_PATIENCE = 5.0


class Owner:
    """This process, among those that share a directory.

    Locks of this kind are the process's: closing any descriptor of the file gives up all of them. So it is opened here
    and nowhere else, once.

    Raises:
        OSError: the file cannot be opened, or its file system has no locks.

    Attributes:
        number: of this process; not of its children.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_private(path)
        try:
            self.identity = identity(path)
            # Not from the seeded generator, which children of a fork and tests share.
            self.number = random.SystemRandom().randrange(_HOUSEKEEPING + 1, _LARGEST)
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.number)
        except OSError:
            os.close(self._descriptor)
            raise

    @property
    def current(self) -> bool:
        """Whether the file is still the one that others look at."""
        return self.identity is not None and self.identity == identity(self._path)

    def alive(self, number: int) -> bool:
        """Whether the process of this number runs."""
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
        """One process at a time.

        Raises: :class:`Unusable`, when another one takes too long.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _HOUSEKEEPING)
                break
            except OSError as error:
                if time.monotonic() > end:
                    raise Unusable("busy", "another process is keeping it locked", "Wait, or look for it.") from error
                time.sleep(0.01)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _HOUSEKEEPING)

    def close(self) -> None:
        """Give up the number; in a child of a fork, where the locks are the parent's, only the descriptor."""
        os.close(self._descriptor)

"""One open database for a process: for one thread at a time, never across a fork, begun anew where it is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from distrokit_spool.database import PATIENCE, Damaged, Database, is_damage, put_aside, trouble
from distrokit_spool.directory import OWNERS, Unusable, prepare
from distrokit_spool.messages import Outages
from distrokit_spool.owners import Owner
from distrokit_spool.settings import DIRECTORY

T = TypeVar("T")


class Access:
    """Opens the database when it is needed, and says when that does not work."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._outages = Outages()
        self._owner: Owner | None = None
        self._database: Database | None = None
        self._lock, self._pid = threading.Lock(), os.getpid()
        self._forking = False
        if not _watched:
            os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
        _watched.append(self)

    def transaction(self, work: Callable[[Database], T]) -> T:
        """Do it whole or not at all. Raises :class:`Unusable`."""

        def whole(database: Database) -> T:
            database.connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(database)
                database.connection.execute("COMMIT")
            except BaseException:
                # SQLite may have done so itself.
                with contextlib.suppress(sqlite3.Error):
                    database.connection.execute("ROLLBACK")
                raise
            return result

        return self.run(whole)

    def run(self, work: Callable[[Database], T]) -> T:
        """Do it; once more, with a new file, where the old one is damaged. Raises :class:`Unusable`, having said so."""
        try:
            with self._alone():
                try:
                    result = self._done(work)
                except Damaged as damaged:
                    self._close()
                    if self._owner is not None:
                        put_aside(self._directory, self._owner, damaged)
                    result = self._done(work)
        except (Unusable, Damaged, sqlite3.Error, OSError) as error:
            why = trouble(error)
            self._outages.begin(
                why.kind,
                f"{DIRECTORY}={self._directory}: {why.cause}; meanwhile telemetry is sent without being kept there. "
                f"{why.remedy}",
            )
            raise why from error
        self._outages.end(f"{DIRECTORY}={self._directory}: the spool is in use again")
        return result

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(Unusable), self._alone():
            self._close()

    def _done(self, work: Callable[[Database], T]) -> T:
        try:
            database = self._open()
            try:
                return work(database)
            except sqlite3.Error as error:
                if is_damage(error):
                    raise Damaged(str(error), database.identity) from error
                raise
        except (sqlite3.Error, OSError):
            # Whatever it is: the next one begins with a new connection.
            self._close()
            raise

    def _open(self) -> Database:
        if self._database is not None and not (self._database.current and self._owner and self._owner.current):
            self._close()
        if self._database is None:
            prepare(self._directory)
            if self._owner is not None and not self._owner.current:
                self._owner.close()
                self._owner = None
            self._owner = self._owner or Owner(self._directory / OWNERS)
            self._database = Database(self._directory, self._owner)
        return self._database

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.connection.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._pid != os.getpid():
            # A server written in C may fork without telling Python.
            self.in_child()
        # A signal handler may have interrupted this very thread in here.
        if not self._lock.acquire(timeout=PATIENCE):
            raise Unusable("busy", "another thread is writing", "Look at the disk, which is slow.")
        try:
            yield
        finally:
            self._lock.release()

    # ------------------------------------------------------------------------------- forks

    def before_fork(self) -> None:
        """Close the file: SQLite's connections, even unused, must not be in two processes."""
        self._forking = self._lock.acquire(timeout=PATIENCE)
        if self._forking:
            self._close()

    def in_parent(self) -> None:
        """Go on; the file is opened again when it is needed."""
        if self._forking:
            self._lock.release()

    def in_child(self) -> None:
        """Begin anew, with a number of its own: the locks are the parent's."""
        if self._database is not None:
            # Something took so long that it was not waited for. Closing it here would close it for the parent.
            _abandoned.append(self._database)
        if self._owner is not None:
            self._owner.close()
        self._owner = self._database = None
        self._lock, self._pid, self._forking = threading.Lock(), os.getpid(), False


_watched: list[Access] = []
_abandoned: list[Database] = []


def _before_fork() -> None:
    for access in _watched:
        access.before_fork()


def _in_parent() -> None:
    for access in _watched:
        access.in_parent()


def _in_child() -> None:
    for access in _watched:
        access.in_child()

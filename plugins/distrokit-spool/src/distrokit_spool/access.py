"""The one open database of a process: for one thread at a time, closed before a fork, replaced when corrupt."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from distrokit_spool.database import PATIENCE, Damaged, Database, is_damage, put_aside, to_spool_error
from distrokit_spool.directory import OWNERS, SpoolError, prepare
from distrokit_spool.messages import Outages
from distrokit_spool.owners import Owner
from distrokit_spool.settings import DIRECTORY

T = TypeVar("T")


class Access:
    """Opens the database on demand, and logs when it cannot be used and when it works again."""

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
        """Run ``work`` in one transaction. Raises :class:`SpoolError`."""

        def run_in_transaction(database: Database) -> T:
            database.connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(database)
                database.connection.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back already.
                with contextlib.suppress(sqlite3.Error):
                    database.connection.execute("ROLLBACK")
                raise
            return result

        return self.run(run_in_transaction)

    def run(self, work: Callable[[Database], T]) -> T:
        """Run ``work``; if the file is corrupt, run it again with a new file. Logs and raises :class:`SpoolError`."""
        try:
            with self._exclusive():
                try:
                    result = self._run_once(work)
                except Damaged as damaged:
                    self._close()
                    if self._owner is not None:
                        put_aside(self._directory, self._owner, damaged)
                    result = self._run_once(work)
        except (SpoolError, Damaged, sqlite3.Error, OSError) as error:
            why = to_spool_error(error)
            self._outages.begin(
                why.kind,
                f"{DIRECTORY}={self._directory}: {why.cause}; telemetry is exported without the spool. {why.remedy}",
            )
            raise why from error
        self._outages.end(f"{DIRECTORY}={self._directory}: the spool works again")
        return result

    def close(self) -> None:
        """Close the database."""
        with contextlib.suppress(SpoolError), self._exclusive():
            self._close()

    def _run_once(self, work: Callable[[Database], T]) -> T:
        try:
            database = self._open()
            try:
                return work(database)
            except sqlite3.Error as error:
                if is_damage(error):
                    raise Damaged(str(error), database.identity) from error
                raise
        except (sqlite3.Error, OSError):
            # The next call opens a new connection.
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
    def _exclusive(self) -> Iterator[None]:
        if self._pid != os.getpid():
            # A server written in C may fork without calling Python's fork handlers.
            self.in_child()
        # With a timeout: a signal handler may have interrupted this thread while it holds the lock.
        if not self._lock.acquire(timeout=PATIENCE):
            raise SpoolError("busy", "another thread is writing", "Check whether the disk is slow.")
        try:
            yield
        finally:
            self._lock.release()

    # ------------------------------------------------------------------------------- forks

    def before_fork(self) -> None:
        """Close the database: two processes must not share a SQLite connection, even an unused one."""
        self._forking = self._lock.acquire(timeout=PATIENCE)
        if self._forking:
            self._close()

    def in_parent(self) -> None:
        """Release the lock; the next call opens the database again."""
        if self._forking:
            self._lock.release()

    def in_child(self) -> None:
        """Reset everything; the child gets its own owner number, because the file locks belong to the parent."""
        if self._database is not None:
            # before_fork() timed out. Closing the connection here would close it for the parent.
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

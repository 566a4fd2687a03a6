"""The database file: SQLite's, opened, made, and put aside when it is damaged.

Why SQLite: it is in the standard library, in every application's reach already, and the one piece of software that is
known to get torn writes, full disks and several processes right; queues for Python that are built on files
(``persist-queue``, ``diskcache``) either are SQLite inside, or pickle what they keep.

WAL, with ``synchronous=NORMAL``: a commit is one write at the end of a file and no ``fsync``, which the exporting
thread would wait for. What is committed survives any death of the process; when the machine itself goes down, the last
commits may be missing and the file is whole. ``FULL`` would buy those few seconds with an ``fsync`` for every batch.

One file for all exporters, signals and processes of a directory, and not one for each: then the size is a limit of the
directory, the oldest goes first whoever wrote it, and what an exporter left that is no longer configured grows old like
the rest. Writers wait for each other for a fraction of a millisecond a batch. What speaks against it is that a damaged
file is damaged for all.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from distrokit_spool.directory import DATABASE, Unusable, identity, open_private
from distrokit_spool.messages import say
from distrokit_spool.owners import Owner
from distrokit_spool.settings import DIRECTORY, MAX_SIZE

#: Seconds that a write waits for those of other processes.
PATIENCE = 2.0
#: Bytes that the log of SQLite keeps on disk between two writes.
_WAL_SIZE = 4 * 1024 * 1024
#: Pages that are given back to the disk in one go.
_PAGES_AT_ONCE = 1024
#: How many damaged files are kept; each may be as large as the spool.
_KEPT_ASIDE = 1

#: The payload stands by itself: SQLite writes a row anew when anything in it changes.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        stored_at INTEGER NOT NULL,
        items INTEGER NOT NULL,
        setbacks INTEGER NOT NULL DEFAULT 0,
        owner INTEGER
    )""",
    "CREATE TABLE IF NOT EXISTS payloads (batch INTEGER PRIMARY KEY, content BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS by_queue ON batches (queue, setbacks, id)",
    "CREATE INDEX IF NOT EXISTS by_age ON batches (stored_at)",
    "CREATE INDEX IF NOT EXISTS by_owner ON batches (owner) WHERE owner IS NOT NULL",
)


class Damaged(Exception):  # noqa: N818  (what it says is of a file)
    """SQLite cannot make sense of the file.

    Attributes:
        identity: which file that is.
    """

    def __init__(self, cause: str, identity: tuple[int, int] | None) -> None:
        super().__init__(cause)
        self.identity = identity


class Database:
    """An open database.

    Args:
        directory: prepared.
        owner: this process, among those that use it.

    Raises: :class:`Unusable`, :class:`Damaged`, ``sqlite3.Error``, ``OSError``.

    Attributes:
        connection: in autocommit mode; to be used by one thread at a time, and by this process only.
    """

    def __init__(self, directory: Path, owner: Owner) -> None:
        self.path, self.owner = directory / DATABASE, owner
        with owner.housekeeping():
            # Its -wal and -shm get the same mode from SQLite. It is closed before SQLite opens it: closing it later
            # would take SQLite's locks away.
            os.close(open_private(self.path))
            self.identity = identity(self.path)
            self.connection = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            try:
                self._set_up()
            except BaseException as error:
                self.connection.close()
                if is_damage(error):
                    raise Damaged(str(error), self.identity) from error
                raise

    def _set_up(self) -> None:
        # Before anything is in it; afterwards it has no effect.
        self.connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(f"PRAGMA journal_size_limit = {_WAL_SIZE}")
        for statement in _SCHEMA:
            self.connection.execute(statement)
        (self.page_size,) = self.connection.execute("PRAGMA page_size").fetchone()

    @property
    def current(self) -> bool:
        """Whether these are the files that others use: somebody may have put them aside, or deleted them."""
        return self.identity is not None and self.identity == identity(self.path)

    def bytes_used(self) -> int:
        """What is in the file; pages that are free are used again before it grows."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        return int((pages - free) * self.page_size)

    def shrink(self) -> None:
        """Give some free pages back to the disk, where there are many: after an outage."""
        (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        if free * self.page_size > _WAL_SIZE:
            # Not execute(): it would take one page. Not all at once: others wait meanwhile.
            self.connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def is_damage(error: BaseException) -> bool:
    """Whether it is about what is in the file; SQLite's other errors are of classes below this one."""
    return type(error) is sqlite3.DatabaseError


def put_aside(directory: Path, owner: Owner, damaged: Damaged) -> None:
    """Rename a damaged database, so that a new one is begun, and say so.

    Raises: ``OSError``, :class:`Unusable`.
    """
    path = directory / DATABASE
    with owner.housekeeping():
        if identity(path) != damaged.identity:
            # Another process was quicker.
            return
        aside = directory / f"{DATABASE}.corrupt-{int(time.time())}"
        path.rename(aside)
        with contextlib.suppress(FileNotFoundError):
            (directory / f"{DATABASE}-wal").rename(f"{aside}-wal")
        (directory / f"{DATABASE}-shm").unlink(missing_ok=True)
        kept = sorted(p for p in directory.glob(f"{DATABASE}.corrupt-*") if not p.name.endswith("-wal"))
        for old in kept[:-_KEPT_ASIDE]:
            old.unlink(missing_ok=True)
            Path(f"{old}-wal").unlink(missing_ok=True)
    say(
        f"{DIRECTORY}={directory}: the spool is damaged ({damaged}); what was in it is not sent. A new one is begun; "
        f"the old one is kept as {aside}, and `sqlite3 {aside} .recover` may get back what is in it."
    )


def trouble(error: Exception) -> Unusable:
    """What an error of SQLite, or of the operating system, says to the user."""
    if isinstance(error, Unusable):
        return error
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if "locked" in text:
        return Unusable("busy", f"other processes are writing ({text})", "Use one directory for fewer processes.")
    if "full" in text or "No space" in text:
        return Unusable("full", f"the disk is full ({text})", f"Make room on it, or set {MAX_SIZE} lower.")
    if "readonly" in text or "Read-only" in text or "denied" in text:
        return Unusable("readonly", f"it cannot be written to ({text})", "Let this user write there.")
    return Unusable("io", text, "Look at the disk, or name another directory.")

"""The SQLite database: create it, open it, and move it aside when it is corrupt.

Why SQLite: it is in the standard library, and it is known to handle torn writes, full disks and several processes
correctly. Python's file-based queues (``persist-queue``, ``diskcache``) either use SQLite or pickle their items.

WAL with ``synchronous=NORMAL``: a commit appends to one file, and the exporting thread does not wait for ``fsync``.
Committed data survives the death of the process. If the machine goes down, the last commits may be missing, but the
file is intact. ``FULL`` would save those few seconds at the cost of an ``fsync`` per batch.

All exporters, signals and processes of a directory share one file. So the size limit applies to the directory, the
oldest batch is dropped first whichever process wrote it, and batches of an exporter that is no longer configured expire
like all others. Writers wait a fraction of a millisecond per batch for each other. The price: corruption affects all.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from distrokit_spool.directory import DATABASE, SpoolError, identity, open_private
from distrokit_spool.messages import say
from distrokit_spool.owners import Owner
from distrokit_spool.settings import DIRECTORY, MAX_SIZE

#: Seconds that a write waits for writes of other processes.
PATIENCE = 2.0
#: Maximum size in bytes of SQLite's write-ahead log between two writes.
_WAL_SIZE = 4 * 1024 * 1024
#: Pages that one vacuum step returns to the disk.
_PAGES_AT_ONCE = 1024
#: Number of corrupt files to keep; each may be as large as the spool.
_KEPT_ASIDE = 1

#: Payloads have their own table: SQLite rewrites a whole row when one of its columns changes.
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


class Damaged(Exception):  # noqa: N818  (describes the file)
    """The database file is corrupt.

    Attributes:
        identity: device and inode of the file, see :func:`~distrokit_spool.directory.identity`.
    """

    def __init__(self, cause: str, identity: tuple[int, int] | None) -> None:
        super().__init__(cause)
        self.identity = identity


class Database:
    """An open database.

    Args:
        directory: an existing directory, see :func:`~distrokit_spool.directory.prepare`.
        owner: the lock of this process.

    Raises: :class:`SpoolError`, :class:`Damaged`, ``sqlite3.Error``, ``OSError``.

    Attributes:
        connection: in autocommit mode; only for this process, and for one thread at a time.
    """

    def __init__(self, directory: Path, owner: Owner) -> None:
        self.path, self.owner = directory / DATABASE, owner
        with owner.housekeeping():
            # SQLite gives -wal and -shm the same mode. Close the file before SQLite opens it: closing it later would
            # release SQLite's locks.
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
        # auto_vacuum has no effect once the database has tables.
        self.connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(f"PRAGMA journal_size_limit = {_WAL_SIZE}")
        for statement in _SCHEMA:
            self.connection.execute(statement)
        (self.page_size,) = self.connection.execute("PRAGMA page_size").fetchone()

    @property
    def current(self) -> bool:
        """True unless another process moved this file aside or somebody deleted it."""
        return self.identity is not None and self.identity == identity(self.path)

    def bytes_used(self) -> int:
        """Return the size of the pages in use; SQLite reuses free pages before the file grows."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        return int((pages - free) * self.page_size)

    def shrink(self) -> None:
        """Return free pages to the disk if there are many, as after an outage."""
        (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        if free * self.page_size > _WAL_SIZE:
            # execute() would vacuum one page only. Vacuum in steps, because other processes wait meanwhile.
            self.connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def is_damage(error: BaseException) -> bool:
    """True if the error means a corrupt file; SQLite's other errors are subclasses of ``DatabaseError``."""
    return type(error) is sqlite3.DatabaseError


def put_aside(directory: Path, owner: Owner, damaged: Damaged) -> None:
    """Rename a corrupt database, so that the next call creates a new one, and log it.

    Raises: ``OSError``, :class:`SpoolError`.
    """
    path = directory / DATABASE
    with owner.housekeeping():
        if identity(path) != damaged.identity:
            # Another process has moved it already.
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
        f"{DIRECTORY}={directory}: the spool is corrupt ({damaged}); its items are not sent. A new spool is created; "
        f"the old one is kept as {aside}, and `sqlite3 {aside} .recover` may recover its items."
    )


def to_spool_error(error: Exception) -> SpoolError:
    """Translate an error of SQLite or of the operating system into cause and remedy."""
    if isinstance(error, SpoolError):
        return error
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if "locked" in text:
        return SpoolError("busy", f"other processes are writing ({text})", "Use one directory for fewer processes.")
    if "full" in text or "No space" in text:
        return SpoolError("full", f"the disk is full ({text})", f"Free some space, or set {MAX_SIZE} lower.")
    if "readonly" in text or "Read-only" in text or "denied" in text:
        return SpoolError("readonly", f"it is not writable ({text})", "Make it writable for this user.")
    return SpoolError("io", text, "Check the disk, or use another directory.")

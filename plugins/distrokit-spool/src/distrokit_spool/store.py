"""The queue on disk, limited by size and age, shared by all exporters and processes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from distrokit import LossReporter
from distrokit_spool.access import Access
from distrokit_spool.database import Database
from distrokit_spool.directory import SpoolError
from distrokit_spool.messages import INTERVAL, say
from distrokit_spool.settings import MAX_AGE, MAX_SIZE

#: Reasons in words: they complete a line such as "10 spans lost, …".
FULL, TOO_OLD = f"because the spool was full ({MAX_SIZE})", f"because they were in the spool too long ({MAX_AGE})"

#: Maximum number of pages that a batch takes in addition to its payload.
_PAGES_BESIDE = 4


@dataclass(frozen=True)
class Batch:
    """A batch that this process owns; no other process sends it meanwhile."""

    id: int
    items: int
    content: bytes


@dataclass(frozen=True)
class _Dropped:
    queue: str
    items: int
    reason: str


class SpoolStore:
    """The queue in one directory. Safe to use from any thread, and on both sides of a fork.

    Every method except :meth:`report_losses_to` and :meth:`close` raises :class:`SpoolError` on failure; the next call
    tries again.

    Attributes:
        directory: an absolute path.
        max_size: of the database, in bytes.
        max_age: in milliseconds.
    """

    def __init__(self, directory: str, max_size: int, max_age: int) -> None:
        self.directory, self.max_size, self.max_age = directory, max_size, max_age
        self._reporters: dict[str, LossReporter] = {}
        self._unreported: Counter[tuple[str, str]] = Counter()
        self._next_line = 0.0
        self._access = Access(Path(directory))

    def report_losses_to(self, queue: str, lost: LossReporter) -> None:
        """Call ``lost`` for items of this queue that are dropped."""
        self._reporters[queue] = lost

    # ---------------------------------------------------------------------------- batches

    def put(self, queue: str, content: bytes, items: int) -> None:
        """Write a batch to disk; drop the oldest batches if there is no room."""

        def insert(database: Database) -> list[_Dropped]:
            dropped = self._drop_expired(database) + self._make_room(database, len(content))
            cursor = database.connection.execute(
                "INSERT INTO batches (queue, stored_at, items) VALUES (?, ?, ?)", (queue, _now(), items)
            )
            database.connection.execute("INSERT INTO payloads VALUES (?, ?)", (cursor.lastrowid, content))
            return dropped

        self._report(self._access.transaction(insert))

    def take(self, queue: str, after: int = 0) -> Batch | None:
        """Take the oldest batch without an owner; ``None`` if there is none.

        Args:
            after: an id; take only a batch that was stored after it.
        """

        def claim(database: Database) -> tuple[list[_Dropped], Batch | None]:
            connection, me = database.connection, database.owner.number
            for (owner,) in connection.execute("SELECT DISTINCT owner FROM batches WHERE owner IS NOT NULL").fetchall():
                if not database.owner.is_alive(owner):
                    connection.execute("UPDATE batches SET owner = NULL WHERE owner = ?", (owner,))
            dropped = self._drop_expired(database)
            # A process has one sender per queue: a batch that it owns and has not given back is not being sent.
            row = connection.execute(
                "SELECT id, items, content FROM batches JOIN payloads ON batch = id"
                " WHERE queue = ? AND (owner IS NULL OR owner = ?) AND id > ? ORDER BY setbacks, id LIMIT 1",
                (queue, me, after),
            ).fetchone()
            if row is None:
                return dropped, None
            connection.execute("UPDATE batches SET owner = ? WHERE id = ?", (me, row[0]))
            return dropped, Batch(*row)

        dropped, batch = self._access.transaction(claim)
        self._report(dropped)
        return batch

    def delete(self, batch: Batch) -> None:
        """Delete a batch that was delivered or lost."""
        self._access.transaction(lambda database: _delete(database, batch.id))

    def give_back(self, batch: Batch) -> None:
        """Release a batch that was not delivered; any process may retry it."""
        self._access.transaction(
            lambda database: database.connection.execute("UPDATE batches SET owner = NULL WHERE id = ?", (batch.id,))
        )

    def defer(self, id_: int, most: int) -> int:
        """Move a batch behind the others, because they were delivered and it was not.

        Returns: the number of items dropped, if this happened ``most`` times; else 0.
        """

        def move(database: Database) -> int:
            execute = database.connection.execute
            execute("UPDATE batches SET setbacks = setbacks + 1 WHERE id = ?", (id_,))
            row = execute(
                "SELECT items FROM batches WHERE id = ? AND setbacks >= ? AND owner IS NULL", (id_, most)
            ).fetchone()
            if row is None:
                return 0
            _delete(database, id_)
            return int(row[0])

        return self._access.transaction(move)

    def replace(self, batch: Batch, content: bytes, items: int) -> None:
        """Replace a batch that was delivered in part by the rest, and release it."""

        def write(database: Database) -> None:
            execute = database.connection.execute
            execute("UPDATE payloads SET content = ? WHERE batch = ?", (content, batch.id))
            execute("UPDATE batches SET items = ?, owner = NULL WHERE id = ?", (items, batch.id))

        self._access.transaction(write)

    def shrink(self) -> None:
        """Return space to the disk after an outage."""
        self._access.run(lambda database: database.shrink())

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        self._access.close()

    # ------------------------------------------------------------------------------ limits

    def _drop_expired(self, database: Database) -> list[_Dropped]:
        rows = database.connection.execute(
            "SELECT id, queue, items FROM batches WHERE stored_at < ? AND owner IS NULL", (_now() - self.max_age,)
        ).fetchall()
        for id_, _, _ in rows:
            _delete(database, id_)
        return [_Dropped(queue, items, TOO_OLD) for _, queue, items in rows]

    def _make_room(self, database: Database, size: int) -> list[_Dropped]:
        """Drop the oldest batches. Raises :class:`SpoolError` if batches being sent, which stay, leave no room."""
        needed = size + _PAGES_BESIDE * database.page_size
        dropped: list[_Dropped] = []
        while database.bytes_used() + needed > self.max_size:
            row = database.connection.execute(
                "SELECT id, queue, items FROM batches WHERE owner IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                raise SpoolError("too large", f"a batch of {size:,} bytes does not fit", f"Set {MAX_SIZE} higher.")
            _delete(database, row[0])
            dropped.append(_Dropped(row[1], row[2], FULL))
        return dropped

    def _report(self, dropped: list[_Dropped]) -> None:
        for one in dropped:
            lost = self._reporters.get(one.queue)
            if lost is not None:
                lost(one.items, one.reason)
            else:
                self._unreported[one.queue, one.reason] += one.items
        # Queues of exporters that this process does not have: log their losses here.
        now = time.monotonic()
        if self._unreported and now >= self._next_line:
            for (queue, reason), items in self._unreported.items():
                say(f"{queue}: {items:,} items of another process in {self.directory} lost, {reason}")
            self._unreported.clear()
            self._next_line = now + INTERVAL


def store_at(directory: str, max_size: int, max_age: int) -> SpoolStore:
    """Return the process's store for a directory; the last call sets its limits."""
    # One per process: kernel locks belong to the process, so two stores would not see each other's.
    real = str(Path(directory).resolve())
    store = _stores.get(real)
    if store is None:
        store = _stores[real] = SpoolStore(directory, max_size, max_age)
    store.max_size, store.max_age = max_size, max_age
    return store


_stores: dict[str, SpoolStore] = {}


def _delete(database: Database, id_: int) -> None:
    for statement in ("DELETE FROM batches WHERE id = ?", "DELETE FROM payloads WHERE batch = ?"):
        database.connection.execute(statement, (id_,))


def _now() -> int:
    """Return milliseconds since 1970; a monotonic clock would not survive a restart."""
    return time.time_ns() // 1_000_000

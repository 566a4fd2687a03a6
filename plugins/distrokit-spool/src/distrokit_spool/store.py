"""What waits, on disk: put in, taken out, within a size and an age; shared by all exporters and processes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from distrokit import LossReporter
from distrokit_spool.access import Access
from distrokit_spool.database import Database
from distrokit_spool.directory import Unusable
from distrokit_spool.messages import INTERVAL, say
from distrokit_spool.settings import MAX_AGE, MAX_SIZE

#: In words, since they are said in a line about what was lost.
FULL, TOO_OLD = f"as the spool was full ({MAX_SIZE})", f"as they had waited too long in the spool ({MAX_AGE})"

#: Pages that a batch takes beside its payload, at most.
_PAGES_BESIDE = 4


@dataclass(frozen=True)
class Batch:
    """A batch that this process has taken, and nobody else sends meanwhile."""

    id: int
    items: int
    content: bytes


@dataclass(frozen=True)
class _Dropped:
    queue: str
    items: int
    reason: str


class Store:
    """One directory. Safe to use from any thread, and on both sides of a fork.

    Every method but :meth:`count` and :meth:`close` raises :class:`Unusable` when it cannot be done now; the next call
    tries anew.

    Attributes:
        directory: an absolute path.
        max_size: of the database, in bytes.
        max_age: in milliseconds.
    """

    def __init__(self, directory: str, max_size: int, max_age: int) -> None:
        self.directory, self.max_size, self.max_age = directory, max_size, max_age
        self._counters: dict[str, LossReporter] = {}
        self._strangers: Counter[tuple[str, str]] = Counter()
        self._next_line = 0.0
        self._access = Access(Path(directory))

    def count(self, queue: str, lost: LossReporter) -> None:
        """``lost`` is told what a queue loses."""
        self._counters[queue] = lost

    # ---------------------------------------------------------------------------- batches

    def put(self, queue: str, content: bytes, items: int) -> None:
        """Keep a batch; when this returns, it is on disk. The oldest makes room for it."""

        def insert(database: Database) -> list[_Dropped]:
            dropped = self._too_old(database) + self._make_room(database, len(content))
            cursor = database.connection.execute(
                "INSERT INTO batches (queue, stored_at, items) VALUES (?, ?, ?)", (queue, _now(), items)
            )
            database.connection.execute("INSERT INTO payloads VALUES (?, ?)", (cursor.lastrowid, content))
            return dropped

        self._report(self._access.transaction(insert))

    def take(self, queue: str, after: int = 0) -> Batch | None:
        """The oldest batch that nobody is sending; ``None`` when there is none.

        Args:
            after: an id; only what was stored after it.
        """

        def claim(database: Database) -> tuple[list[_Dropped], Batch | None]:
            connection, me = database.connection, database.owner.number
            for (owner,) in connection.execute("SELECT DISTINCT owner FROM batches WHERE owner IS NOT NULL").fetchall():
                if not database.owner.alive(owner):
                    connection.execute("UPDATE batches SET owner = NULL WHERE owner = ?", (owner,))
            dropped = self._too_old(database)
            # A queue has one sender in a process: what that has taken and not given back, it is not sending.
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

    def done(self, batch: Batch) -> None:
        """It is delivered, or lost: forget it."""
        self._access.transaction(lambda database: _delete(database, batch.id))

    def give_back(self, batch: Batch) -> None:
        """It could not be delivered; anybody may try again."""
        self._access.transaction(
            lambda database: database.connection.execute("UPDATE batches SET owner = NULL WHERE id = ?", (batch.id,))
        )

    def set_back(self, id_: int, most: int) -> int:
        """Let others go before the batch of this id, since they get through.

        Returns: how many items are given up, since that has happened ``most`` times; 0 for none.
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
        """What is left of a batch that was delivered in part; anybody may try again."""

        def write(database: Database) -> None:
            execute = database.connection.execute
            execute("UPDATE payloads SET content = ? WHERE batch = ?", (content, batch.id))
            execute("UPDATE batches SET items = ?, owner = NULL WHERE id = ?", (items, batch.id))

        self._access.transaction(write)

    def shrink(self) -> None:
        """Nothing waits: give the disk back what an outage took."""
        self._access.run(lambda database: database.shrink())

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._access.close()

    # ------------------------------------------------------------------------------ limits

    def _too_old(self, database: Database) -> list[_Dropped]:
        rows = database.connection.execute(
            "SELECT id, queue, items FROM batches WHERE stored_at < ? AND owner IS NULL", (_now() - self.max_age,)
        ).fetchall()
        for id_, _, _ in rows:
            _delete(database, id_)
        return [_Dropped(queue, items, TOO_OLD) for _, queue, items in rows]

    def _make_room(self, database: Database, size: int) -> list[_Dropped]:
        """Raises :class:`Unusable` when what is being sent, and so stays, leaves no room."""
        needed = size + _PAGES_BESIDE * database.page_size
        dropped: list[_Dropped] = []
        while database.bytes_used() + needed > self.max_size:
            row = database.connection.execute(
                "SELECT id, queue, items FROM batches WHERE owner IS NULL ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                raise Unusable(
                    "too large", f"a batch of {size:,} bytes does not fit into it", f"Set {MAX_SIZE} higher."
                )
            _delete(database, row[0])
            dropped.append(_Dropped(row[1], row[2], FULL))
        return dropped

    def _report(self, dropped: list[_Dropped]) -> None:
        for one in dropped:
            lost = self._counters.get(one.queue)
            if lost is not None:
                lost(one.items, one.reason)
            else:
                self._strangers[one.queue, one.reason] += one.items
        # Of exporters that this process does not have: nobody else will say it.
        now = time.monotonic()
        if self._strangers and now >= self._next_line:
            for (queue, reason), items in self._strangers.items():
                say(f"{queue}: {items:,} items that were left in {self.directory} by another process are lost {reason}")
            self._strangers.clear()
            self._next_line = now + INTERVAL


def store_at(directory: str, max_size: int, max_age: int) -> Store:
    """The process's one store in a directory; the limits are those that were given last."""
    # The kernel's locks are the process's: two stores would not see each other's.
    real = str(Path(directory).resolve())
    store = _stores.get(real)
    if store is None:
        store = _stores[real] = Store(directory, max_size, max_age)
    store.max_size, store.max_age = max_size, max_age
    return store


_stores: dict[str, Store] = {}


def _delete(database: Database, id_: int) -> None:
    for statement in ("DELETE FROM batches WHERE id = ?", "DELETE FROM payloads WHERE batch = ?"):
        database.connection.execute(statement, (id_,))


def _now() -> int:
    """Milliseconds since 1970: it must mean the same after a restart."""
    return time.time_ns() // 1_000_000

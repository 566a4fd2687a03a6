"""The check ``spool`` of ``distrokit doctor``: can the directory be used, and what is queued in it? Read-only."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrokit import Check
from distrokit_spool.directory import DATABASE, SpoolError, refuse, refuse_file
from distrokit_spool.settings import DIRECTORY

#: Milliseconds after which a queued batch is worth a warning.
_LONG = 10 * 60 * 1000


def checks(plan: Any) -> Iterator[Check]:
    """Check the directory that the plan's exporters share."""
    values = [
        item.exporter.parameters["spool_directory"]
        for planned in plan.signals.values()
        for item in planned.exporters
        if "spool_directory" in item.exporter.parameters
    ]
    if not values:
        evidence = "no exporter of this pipeline uses the spool"
        yield Check(
            "spool", "warn", evidence, f"Correct or unset {DIRECTORY}; `distrokit explain` shows the exporters."
        )
        return
    directory = Path(values[0].value)
    try:
        yield _check_directory(directory) or _check_queue(directory)
    except SpoolError as unusable:
        yield Check("spool", "fail", f"{DIRECTORY}={directory}: {unusable.cause}", unusable.remedy)
    except (OSError, sqlite3.Error) as error:
        evidence = f"{DIRECTORY}={directory}: the spool cannot be read: {error}"
        yield Check("spool", "warn", evidence, "Run doctor as the user of the application.")


def _check_directory(directory: Path) -> Check | None:
    """Return a check if the spool has no database yet; ``None`` if it has one."""
    refuse_file(directory)
    if not directory.is_dir():
        existing = next(parent for parent in directory.parents if parent.is_dir())
        if os.access(existing, os.W_OK | os.X_OK):
            return Check("spool", "ok", f"{directory} does not exist yet; it is created on first use")
        raise SpoolError(
            "directory", f"it does not exist, and cannot be created in {existing}", f"Create {directory} for this user."
        )
    refuse(directory.stat(), directory)
    if not (directory / DATABASE).exists():
        return Check("spool", "ok", f"nothing has been written to {directory} yet")
    return None


def _check_queue(directory: Path) -> Check:
    database = directory / DATABASE
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1)
    try:
        batches, items, oldest = connection.execute(
            "SELECT count(*), coalesce(sum(items), 0), min(stored_at) FROM batches"
        ).fetchone()
    finally:
        connection.close()
    if not batches:
        return Check("spool", "ok", f"the queue in {directory} is empty")
    age = max(0, time.time_ns() // 1_000_000 - oldest)
    evidence = f"{items:,} items are queued in {directory}, the oldest for {age / 60_000:.0f} min"
    if age < _LONG:
        return Check("spool", "ok", evidence)
    return Check(
        "spool",
        "warn",
        evidence,
        "See the check `export` for the reason; the items are sent when the receiver is back.",
    )

"""For ``distrokit doctor``: whether the directory can be used, and what waits in it. Changes nothing there."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrokit import Check
from distrokit_spool.directory import DATABASE, Unusable, refuse
from distrokit_spool.settings import DIRECTORY

#: Milliseconds after which it is strange that something still waits.
_LONG = 10 * 60 * 1000


def checks(plan: Any) -> Iterator[Check]:
    """Of the directory that the plan's exporters share."""
    values = [
        item.exporter.parameters["spool_directory"]
        for planned in plan.signals.values()
        for item in planned.exporters
        if "spool_directory" in item.exporter.parameters
    ]
    if not values:
        evidence = "no exporter of this pipeline is spooled"
        yield Check(
            "spool", "warn", evidence, f"Correct or unset {DIRECTORY}; `distrokit explain` shows the exporters."
        )
        return
    directory = Path(values[0].value)
    try:
        yield _directory(directory) or _waiting(directory)
    except Unusable as unusable:
        yield Check("spool", "fail", f"{DIRECTORY}={directory}: {unusable.cause}", unusable.remedy)
    except (OSError, sqlite3.Error) as error:
        evidence = f"{DIRECTORY}={directory}: what waits there cannot be read: {error}"
        yield Check("spool", "warn", evidence, "Run it as the user that the application runs as.")


def _directory(directory: Path) -> Check | None:
    """What there is to say where nothing is spooled yet; ``None`` where something may be."""
    if not directory.is_dir():
        there = next(parent for parent in directory.parents if parent.is_dir())
        if os.access(there, os.W_OK | os.X_OK):
            return Check("spool", "ok", f"{directory} is made when it is needed")
        raise Unusable(
            "directory", f"it is not there, and cannot be made in {there}", f"Make {directory} for this user."
        )
    refuse(directory.stat(), directory)
    if not (directory / DATABASE).exists():
        return Check("spool", "ok", f"nothing has been spooled in {directory} yet")
    return None


def _waiting(directory: Path) -> Check:
    database = directory / DATABASE
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1)
    try:
        batches, items, oldest = connection.execute(
            "SELECT count(*), coalesce(sum(items), 0), min(stored_at) FROM batches"
        ).fetchone()
    finally:
        connection.close()
    if not batches:
        return Check("spool", "ok", f"nothing waits in {directory}")
    age = max(0, time.time_ns() // 1_000_000 - oldest)
    evidence = f"{items:,} items wait in {directory}, the oldest for {age / 60_000:.0f} min"
    if age < _LONG:
        return Check("spool", "ok", evidence)
    return Check(
        "spool", "warn", evidence, "See the check `export` for why; they are sent when the receiver takes data."
    )

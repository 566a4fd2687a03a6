"""The settings, and how they are read: for the process, not for single exporters, which share the directory."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Any

from distrokit import Problem, Reader, Setting, Settings, Value, __version__

#: In bytes. Room for some minutes of a busy process, and no surprise on any disk.
DEFAULT_MAX_SIZE = 100 * 1024 * 1024
#: In bytes: less would not hold the largest batch.
LEAST_MAX_SIZE = 1024 * 1024
#: In milliseconds, 18 hours: a night, and the time until somebody has looked.
DEFAULT_MAX_AGE = 18 * 60 * 60 * 1000
#: In milliseconds, a year.
MOST_MAX_AGE = 365 * 24 * 60 * 60 * 1000

DIRECTORY, MAX_SIZE, MAX_AGE = (f"DISTROKIT_SPOOL_{name}" for name in ("DIRECTORY", "MAX_SIZE", "MAX_AGE"))

SETTINGS = (
    Setting(
        name=DIRECTORY,
        kind="absolute path",
        consumer="spool",
        meaning="where telemetry is kept until it is delivered; unset, nothing is spooled",
        parameter=True,
    ),
    Setting(
        name=MAX_SIZE,
        kind="integer",
        default=str(DEFAULT_MAX_SIZE),
        unit="bytes",
        consumer="spool",
        meaning="the most that the spool takes on disk, for all processes and signals; the oldest goes first",
        parameter=True,
    ),
    Setting(
        name=MAX_AGE,
        kind="integer",
        default=str(DEFAULT_MAX_AGE),
        unit="ms",
        consumer="spool",
        meaning="what has waited longer is not sent any more",
        parameter=True,
    ),
)


def read(settings: Settings) -> tuple[dict[str, Value[Any]], list[Problem]]:
    """What the plan shows of every spooled exporter, and what is wrong with it; nothing when there is no directory."""
    reader = Reader(settings, f"spool {__version__}")
    directory = reader.parsed(DIRECTORY, _absolute, "")
    size = reader.integer(MAX_SIZE, DEFAULT_MAX_SIZE, minimum=LEAST_MAX_SIZE, maximum=2**50)
    age = reader.integer(MAX_AGE, DEFAULT_MAX_AGE, minimum=1000, maximum=MOST_MAX_AGE)
    if not directory.value:
        return {}, reader.problems
    return {"spool_directory": directory, "spool_max_size": size, "spool_max_age_millis": age}, reader.problems


def _absolute(text: str) -> str:
    if not Path(text).is_absolute():
        # The process may change its directory, and so may whoever starts it.
        raise ValueError("it must be an absolute path, or the place would depend on the working directory")
    return os.path.normpath(text)

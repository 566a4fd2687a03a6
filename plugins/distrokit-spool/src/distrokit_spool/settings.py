"""The settings of the spool. They apply to the process: all exporters share the directory."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Any

from distrokit import Problem, Reader, Setting, Settings, Value, __version__

#: In bytes: some minutes of a busy process, and small enough for any disk.
DEFAULT_MAX_SIZE = 100 * 1024 * 1024
#: In bytes: less would not hold the largest batch.
LEAST_MAX_SIZE = 1024 * 1024
#: In milliseconds, 18 hours: an outage overnight, and time to react.
DEFAULT_MAX_AGE = 18 * 60 * 60 * 1000
#: In milliseconds, a year.
MOST_MAX_AGE = 365 * 24 * 60 * 60 * 1000

DIRECTORY, MAX_SIZE, MAX_AGE = (f"DISTROKIT_SPOOL_{name}" for name in ("DIRECTORY", "MAX_SIZE", "MAX_AGE"))

SETTINGS = (
    Setting(
        name=DIRECTORY,
        kind="absolute path",
        consumer="spool",
        meaning="directory in which telemetry is queued until it is delivered; unset: no spool",
        parameter=True,
    ),
    Setting(
        name=MAX_SIZE,
        kind="integer",
        default=str(DEFAULT_MAX_SIZE),
        unit="bytes",
        consumer="spool",
        meaning="maximum size on disk, for all processes and signals together; the oldest batches are dropped first",
        parameter=True,
    ),
    Setting(
        name=MAX_AGE,
        kind="integer",
        default=str(DEFAULT_MAX_AGE),
        unit="ms",
        consumer="spool",
        meaning="maximum age of a queued batch; older batches are dropped",
        parameter=True,
    ),
)


def read(settings: Settings) -> tuple[dict[str, Value[Any]], list[Problem]]:
    """Read the parameters of a spooled exporter, and the problems found; no parameters without a directory."""
    reader = Reader(settings, f"spool {__version__}")
    directory = reader.parsed(DIRECTORY, _absolute, "")
    size = reader.integer(MAX_SIZE, DEFAULT_MAX_SIZE, minimum=LEAST_MAX_SIZE, maximum=2**50)
    age = reader.integer(MAX_AGE, DEFAULT_MAX_AGE, minimum=1000, maximum=MOST_MAX_AGE)
    if not directory.value:
        return {}, reader.problems
    return {"spool_directory": directory, "spool_max_size": size, "spool_max_age_millis": age}, reader.problems


def _absolute(text: str) -> str:
    if not Path(text).is_absolute():
        # The working directory may differ from start to start, and change at run time.
        raise ValueError("it must be an absolute path")
    return os.path.normpath(text)

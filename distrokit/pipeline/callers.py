"""Finds the code that has called OpenTelemetry's API, for messages about it."""

from __future__ import annotations

import sys
from types import FrameType


def find_caller(*between: str) -> str:
    """Return the name of the nearest calling module; empty if every caller is one in between.

    Args:
        between: modules and packages, by the beginning of their names, whose functions are not meant.
    """
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  (the cheap way to the stack of the own thread)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(between):
            return name
        frame = frame.f_back
    return ""

"""The parts of the pipeline that shrink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def make_shrinker(signal: str | None, max_item_bytes: int) -> Callable[[Any], Any]:
    """Return the part for a signal.

    Raises:
        ValueError: there is no limit.
    """
    if not max_item_bytes:
        raise ValueError("there is no limit; set DISTROKIT_GUARD_MAX_ITEM_BYTES")
    if signal == "traces":
        from distrokit_guard.shrinking.spans import SpanShrinker

        return SpanShrinker(max_item_bytes)
    from distrokit_guard.shrinking.logs import LogShrinker

    return LogShrinker(max_item_bytes)

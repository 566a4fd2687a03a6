"""Counts what a transform lost: an item that it raised on, or returned something else for, is not sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from distrokit.pipeline.loss_words import BY_TRANSFORM
from distrokit.pipeline.losses import Losses

#: Told the item, the transform's name, and what it raised.
LostItem = Callable[[Any, str, Exception], None]


def count_losses(tallies: Sequence[Losses], size: Callable[[Any], int] = lambda item: 1) -> LostItem:
    """Count for each exporter that does not get the item.

    Args:
        tallies: of these exporters; it may grow.
        size: how many the item counts for.
    """

    def lost(item: Any, name: str, error: Exception) -> None:
        kind, items = type(error).__name__, size(item)
        for losses in tallies:
            losses.dropped(items, f"{BY_TRANSFORM}{name} failed ({kind})")
            if losses.self_metrics is not None:
                losses.self_metrics.failed_before(items, kind)

    return lost

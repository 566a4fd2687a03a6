"""Counts the items that are dropped because a transform raised or returned something other than an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from distrokit.pipeline.loss_words import TRANSFORM_PREFIX
from distrokit.pipeline.losses import Losses

#: Takes the item, the transform's name, and the exception.
LostItem = Callable[[Any, str, Exception], None]


def count_losses(losses: Sequence[Losses], size: Callable[[Any], int] = lambda item: 1) -> LostItem:
    """Return a function that counts a dropped item for each of some exporters.

    Args:
        losses: of these exporters; the sequence may grow.
        size: returns for how many items one counts.
    """

    def count(item: Any, name: str, error: Exception) -> None:
        kind, items = type(error).__name__, size(item)
        for counter in losses:
            counter.add(items, f"{TRANSFORM_PREFIX}{name} failed ({kind})")
            if counter.self_metrics is not None:
                counter.self_metrics.add_failed(items, kind)

    return count

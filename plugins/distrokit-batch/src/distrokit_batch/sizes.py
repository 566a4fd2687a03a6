"""Sizes and times of a queue."""

from __future__ import annotations

from dataclasses import dataclass

#: Stands for "no limit", in milliseconds.
NO_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Sizes:
    """Sizes and times of a queue.

    Attributes:
        queue: the largest number of queued items; the batch under way is not included.
        batch: the largest number of items in one export.
        delay_seconds: the time between two exports.
        timeout_seconds: the timeout of one attempt.
        drop_newest: true to drop the new item when the queue is full, false to drop the oldest.
    """

    queue: int
    batch: int
    delay_seconds: float
    timeout_seconds: float
    drop_newest: bool = False

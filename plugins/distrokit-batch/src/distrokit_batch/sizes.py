"""Sizes and times of a queue."""

from __future__ import annotations

from dataclasses import dataclass

#: Stands for "no limit", in milliseconds.
NO_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Sizes:
    """Sizes and times of a queue.

    Attributes:
        queue: the largest number of queued items while the receiver is unavailable, without the batch under way.
        batch: the largest number of items in one export.
        delay_seconds: the time between two exports.
        timeout_seconds: the timeout of one attempt.
        drop_newest: true to drop the new item when the queue is full, false to drop the oldest.
        burst: the size up to which the queue grows while the receiver accepts items; ``queue`` or less for no growth.
    """

    queue: int
    batch: int
    delay_seconds: float
    timeout_seconds: float
    drop_newest: bool = False
    burst: int = 0

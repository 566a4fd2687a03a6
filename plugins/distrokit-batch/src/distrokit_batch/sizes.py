"""How much is kept, and how often it is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is kept, and how often it is sent.

    Attributes:
        queue: how many items wait at most; the batch that is being sent comes on top.
        batch: how many are sent at once.
        delay_seconds: between two exports.
        timeout_seconds: for one attempt.
        drop_newest: what is dropped when the queue is full: the item that comes; else the oldest one.
    """

    queue: int
    batch: int
    delay_seconds: float
    timeout_seconds: float
    drop_newest: bool = False

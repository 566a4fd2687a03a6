"""Random choices that neither take from the application's sequence nor repeat in forked children."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

_RANDOM = random.SystemRandom()
_T = TypeVar("_T")


def jitter(seconds: float) -> float:
    """Return a time of 80 to 120 %, so that not all processes do the same at the same moment."""
    return seconds * _RANDOM.uniform(0.8, 1.2)


def shuffled(items: Sequence[_T]) -> list[_T]:
    """Return the items in a random order."""
    return _RANDOM.sample(items, len(items))

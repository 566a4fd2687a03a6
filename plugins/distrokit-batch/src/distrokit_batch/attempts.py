"""One try of an exporter, whether it can tell what may be tried again or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distrokit import Attempting, Lost, Undelivered


def attempt_of(exporter: Any, lost: Lost) -> Callable[[list[Any], float], Undelivered | None]:
    """A function from a batch and seconds to what is left of the batch, ``None`` when all has arrived.

    Args:
        exporter: of spans or log records; distrokit's pipeline hands over one that has ``attempt``.
        lost: told what an exporter without ``attempt`` did not take.
    """
    if isinstance(exporter, Attempting):
        return exporter.attempt

    def once(batch: list[Any], seconds: float) -> Undelivered | None:
        result = exporter.export(batch)
        if getattr(result, "name", "") != "FAILURE":
            return None
        lost(len(batch), "failed")
        return Undelivered([], "the exporter failed")

    return once

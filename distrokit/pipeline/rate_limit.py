"""Many messages that are alike: the first ones, and how many there were."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from distrokit.diagnostics import one_line

#: Of messages that are alike, how many are shown in how many seconds.
ALIKE, INTERVAL = 10, 60.0
#: How many kinds are kept.
_KINDS = 500


class RateLimiter:
    """Messages that are alike: by logger, level and text before its arguments.

    An attribute that the SDK refuses costs a line each time; an application may set a hundred thousand.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By kind: since when, how many there were, and the last one.
        self._kinds: dict[tuple[str, int, object], tuple[float, int, logging.LogRecord]] = {}

    def more(self, record: logging.LogRecord) -> int | None:
        """How many were left out before this one; ``None`` when this one is left out, too."""
        now, kind = self._clock(), (record.name, record.levelno, record.msg)
        since, count, _ = self._kinds.get(kind, (now, 0, record))
        if now - since >= INTERVAL:
            self._kinds[kind] = (now, 1, record)
            return max(0, count - ALIKE)
        if len(self._kinds) >= _KINDS and kind not in self._kinds:
            # Texts that are put together before they are logged: no two of them are alike.
            self._kinds.clear()
        self._kinds[kind] = (since, count + 1, record)
        return 0 if count < ALIKE else None

    def finish(self) -> list[tuple[logging.LogRecord, int]]:
        """What was left out and not said: the last one of each kind, and how many there were."""
        kinds, self._kinds = self._kinds, {}
        return [(record, count - ALIKE) for _, count, record in kinds.values() if count > ALIKE]


def alike(record: logging.LogRecord, more: int) -> logging.LogRecord:
    """A message about messages that were left out."""
    text = one_line(f"{more:,} more messages like this one: {record.getMessage()}", 300)
    return logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, text, None, None)

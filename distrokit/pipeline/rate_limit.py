"""Rate limit for messages that are alike: the first ones are shown, the rest is counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from distrokit.diagnostics import one_line

#: The number of like messages shown in one interval, and its seconds.
ALIKE, INTERVAL = 10, 60.0
#: The greatest number of kinds that are counted.
_KINDS = 500


class RateLimiter:
    """A counter of like messages: those with the same logger, level and format string.

    The SDK logs each attribute that it refuses; an application may set a hundred thousand of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By kind: start of the interval, number of messages, and the last one.
        self._kinds: dict[tuple[str, int, object], tuple[float, int, logging.LogRecord]] = {}

    def count(self, record: logging.LogRecord) -> int | None:
        """Count a message; return how many were left out before it, or ``None`` if it is left out itself."""
        # A message of another type may not be hashable, and would be kept with all that it refers to.
        alike = record.msg if isinstance(record.msg, str) else type(record.msg)
        now, kind = self._clock(), (record.name, record.levelno, alike)
        since, count, _ = self._kinds.get(kind, (now, 0, record))
        if now - since >= INTERVAL:
            self._kinds[kind] = (now, 1, record)
            return max(0, count - ALIKE)
        if len(self._kinds) >= _KINDS and kind not in self._kinds:
            # Messages formatted before they are logged: no two are alike.
            self._kinds.clear()
        self._kinds[kind] = (since, count + 1, record)
        return 0 if count < ALIKE else None

    def finish(self) -> list[tuple[logging.LogRecord, int]]:
        """Return the last message of each kind and how many were left out since; then forget them."""
        kinds, self._kinds = self._kinds, {}
        return [(record, count - ALIKE) for _, count, record in kinds.values() if count > ALIKE]


def text_of(record: logging.LogRecord) -> str:
    """Return a record's text; its format string if the arguments do not match it."""
    try:
        return record.getMessage()
    except Exception:
        return record.msg if isinstance(record.msg, str) else f"<{type(record.msg).__qualname__}>"


def summarize(record: logging.LogRecord, left_out: int) -> logging.LogRecord:
    """Return a message that says how many like it were left out."""
    text = one_line(f"{left_out:,} more messages like this one: {text_of(record)}", 300)
    return logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, text, None, None)

"""The spool's log messages, in a child of OpenTelemetry's logger: they reach stderr whatever the application logs."""

from __future__ import annotations

import logging
import time
from contextvars import Context

_logger = logging.getLogger("opentelemetry.exporter.distrokit_spool")

#: Minimum seconds between two messages of one kind.
INTERVAL = 60.0


def say(text: str, level: int = logging.WARNING) -> None:
    """Log a line now.

    It runs in its own context, because messages that are logged during an export count as the cause of its failure.
    """
    Context().run(_logger.log, level, "%s", text)


class Outages:
    """Logs a failure once per kind, and the recovery.

    A disk that fails again and again is logged once a minute.
    """

    def __init__(self) -> None:
        self._last_logged: dict[str, float] = {}
        self._open: set[str] = set()

    def begin(self, kind: str, text: str) -> None:
        """Note a failure, and log it unless this ``kind`` is open or was logged within a minute."""
        now = time.monotonic()
        if kind not in self._open and now - self._last_logged.get(kind, -INTERVAL) >= INTERVAL:
            self._last_logged[kind] = now
            say(text)
        self._open.add(kind)

    def end(self, text: str) -> None:
        """Note the recovery, and log ``text`` at level INFO if a failure was open."""
        if self._open:
            self._open.clear()
            say(text, logging.INFO)

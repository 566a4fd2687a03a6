"""What the spool says: below OpenTelemetry's logger, which reaches stderr whatever the application's logging does."""

from __future__ import annotations

import logging
import time
from contextvars import Context

_logger = logging.getLogger("opentelemetry.exporter.distrokit_spool")

#: Seconds in which the same kind of message is not said again.
INTERVAL = 60.0


def say(text: str, level: int = logging.WARNING) -> None:
    """Log a line now.

    In a context of its own: what is logged during an export is taken for the reason why that failed, and this is none.
    """
    Context().run(_logger.log, level, "%s", text)


class Outages:
    """Says that something does not work, once for each kind, and that it works again.

    A disk that comes and goes is no news more than once a minute.
    """

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._open: set[str] = set()

    def begin(self, kind: str, text: str) -> None:
        """It does not work; ``kind`` is what is said once."""
        now = time.monotonic()
        if kind not in self._open and now - self._said.get(kind, -INTERVAL) >= INTERVAL:
            self._said[kind] = now
            say(text)
        self._open.add(kind)

    def end(self, text: str) -> None:
        """It works; ``text`` is said at ``OTEL_LOG_LEVEL=info``, if it had not."""
        if self._open:
            self._open.clear()
            say(text, logging.INFO)

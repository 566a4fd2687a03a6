"""Decides when a batch that was not delivered is retried."""

from __future__ import annotations

import time

from distrokit import ExportFailure

#: Seconds between two attempts: at first, and at most. Each pause is twice the previous one.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: The first pause at the end of the process and in a flush, where a caller waits.
FIRST_PAUSE_AWAITED = 0.1
#: Seconds for which an unreachable receiver is retried at the end of the process and in a flush.
LOOK_AGAIN = 1.0


class Retry:
    """The retries of one exporter.

    Attributes:
        at: when the next attempt is due, on the monotonic clock; 0 when no batch waits for one.
        asked_until: the end of the delay that the receiver asked for, on the monotonic clock; 0 without one.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget failures, since no batch waits for a retry."""
        self.at = self.asked_until = 0.0
        self._failures = 0
        self._reached, self._asked = True, 0.0

    def record_failure(self, left: ExportFailure) -> None:
        """Schedule the next attempt after a retryable failure."""
        self._failures += 1
        self._reached, self._asked = left.reached, left.wait_seconds or 0.0
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        now = time.monotonic()
        self.at, self.asked_until = now + max(pause, self._asked), now + self._asked

    def begin_waiting(self) -> None:
        """Start with short pauses again, since a caller waits from now on."""
        self._failures = 0

    def pause_while_awaited(self, since: float, until: float) -> float | None:
        """Return the seconds until the next attempt while a caller waits; ``None`` when a retry is of no use.

        It is of no use when the receiver stayed unreachable, or asked for a longer delay than the caller waits.

        Args:
            since: the start of the wait on the monotonic clock, in seconds.
            until: the end of the wait.
        """
        now = time.monotonic()
        if not self._reached and now - since > LOOK_AGAIN:
            return None
        if self._asked > max(0.0, until - now):
            return None
        pause = float(FIRST_PAUSE_AWAITED * 2 ** min(max(self._failures - 1, 0), 5))
        return max(0.0, min(max(pause, self._asked), until - now))

"""When what was not delivered is tried again."""

from __future__ import annotations

import time

from distrokit import ExportFailure

#: Seconds between two tries: first, and at most; each is twice the one before.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: The first one at the end of the process, and in a flush, where somebody waits.
FIRST_PAUSE_AWAITED = 0.1
#: Seconds for which a receiver that is not there at all is looked for at the end of the process, and in a flush.
LOOK_AGAIN = 1.0


class Retry:
    """Of one exporter.

    Attributes:
        at: when the next try is due, on the monotonic clock; 0 when nothing waits for one.
        asked_until: until when the receiver asked to be left alone; 0 when it did not.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing waits for another try."""
        self.at = self.asked_until = 0.0
        self._failures = 0
        self._reached, self._asked = True, 0.0

    def record_failure(self, left: ExportFailure) -> None:
        """A try has failed, and another one may not."""
        self._failures += 1
        self._reached, self._asked = left.reached, left.wait_seconds or 0.0
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        now = time.monotonic()
        self.at, self.asked_until = now + max(pause, self._asked), now + self._asked

    def begin_waiting(self) -> None:
        """Somebody waits from here on: pauses begin anew."""
        self._failures = 0

    def pause_while_awaited(self, since: float, until: float) -> float | None:
        """Seconds until the next try when somebody waits; ``None`` when it is of no use.

        That is: nobody was there all the time, or the receiver asked for more time than there is.

        Args:
            since, until: of the waiting, on the monotonic clock.
        """
        now = time.monotonic()
        if not self._reached and now - since > LOOK_AGAIN:
            return None
        if self._asked > max(0.0, until - now):
            return None
        pause = float(FIRST_PAUSE_AWAITED * 2 ** min(max(self._failures - 1, 0), 5))
        return max(0.0, min(max(pause, self._asked), until - now))

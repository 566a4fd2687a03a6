"""The contract between an exporter and the processor that feeds it.

The SDK's exporters return success or failure. After a failure the processor cannot know whether the receiver is away
for a minute or will never accept this batch, so it drops the batch (opentelemetry-python#4043). An exporter that knows
has a method ``attempt`` beside ``export``; the processor calls it and retries the items that it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

#: The reasons why an item is lost. A reporter also accepts other texts, which are printed as they are.
LossReason: TypeAlias = Literal[
    "queue_full", "exit", "failed", "rejected", "unencodable", "too_large", "unsure", "after_shutdown"
]


@dataclass(frozen=True)
class ExportFailure:
    """The failure of one attempt, with the items that may be retried.

    Attributes:
        items: the items to retry, in the shape in which they were passed: a list of spans or log records, a
            ``MetricsData``. The other items have arrived, or were reported as lost (:class:`LossReporter`). Empty or
            ``None``: there is nothing to retry, and all items that did not arrive were reported as lost.
        cause: the cause in a few words, without secrets.
        wait_seconds: seconds that the receiver asked to wait before a retry; ``None`` if it did not ask.
        reached: false if the receiver was not reached: no connection could be made, or its name not be resolved.
    """

    items: Any
    cause: str
    wait_seconds: float | None = None
    reached: bool = True


class LossReporter(Protocol):
    """Counts items that are lost for good; a summary is printed on stderr."""

    def __call__(self, items: int, reason: str, cause: str = "") -> None:
        """Count lost items.

        Args:
            items: the number of items.
            reason: a :data:`LossReason`, or a few words.
            cause: the receiver's error; empty if there is none.
        """
        ...


@runtime_checkable
class RetryAwareExporter(Protocol):
    """An exporter that returns the items to retry."""

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Try once to export.

        Args:
            items: as for ``export``.
            timeout_seconds: the time for the whole call, which must return within it.

        Returns:
            the items to retry; ``None`` if all have arrived, except items that were reported with ``options.lost``.
        """
        ...


class Stopping(Protocol):
    """The optional method of a processor or reader that prepares it for the shutdown of the process."""

    def begin_shutdown(self, deadline: float) -> None:
        """Prepare for shutdown, and return at once; ``shutdown`` is called later, and may wait.

        Args:
            deadline: for the shutdown of the whole process, in seconds of :func:`time.monotonic`.
        """
        ...


class Forking(Protocol):
    """The optional method of any part of the pipeline that renews it in a forked child."""

    def forked(self) -> None:
        """Drop the parent's items and counts, and renew locks, threads and connections; called in the child.

        Only the calling thread exists. Locks may be held by threads that do not exist in the child.
        """
        ...


class BeforeForking(Protocol):
    """The optional methods of a part that has to pause while the process forks."""

    def before_fork(self) -> None:
        """Pause within a fraction of a second, until ``forked_in_parent``; called in the parent."""
        ...

    def forked_in_parent(self) -> None:
        """Continue; called in the parent after the fork."""
        ...

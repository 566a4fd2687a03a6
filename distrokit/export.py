"""What an exporter and the processor that feeds it say to each other.

The SDK's exporters answer success or failure, and a processor that hears "failure" cannot tell a receiver that is away
for a minute from one that will never take this batch. So whatever fails is lost (opentelemetry-python#4043). An
exporter that can tell has a method ``attempt`` beside its ``export``; the processor that asks it keeps what may be
tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

#: Why an item is lost. Anything else is said in its own words.
LossReason: TypeAlias = Literal[
    "queue_full", "exit", "failed", "rejected", "unencodable", "too_large", "unsure", "after_shutdown"
]


@dataclass(frozen=True)
class ExportFailure:
    """What one attempt did not deliver, and may be tried again.

    Attributes:
        items: what is left of what was given, in the shape it was given in: a list of spans or log records, a
            ``MetricsData``. The rest of it has arrived, or was reported as lost (:class:`Lost`). Empty, or ``None``:
            all that did not arrive is lost for good, and was reported.
        cause: why, in a few words, without secrets.
        wait_seconds: how long the receiver asked to be left alone; ``None`` when it did not say.
        reached: false when nobody was there to take it: no connection could be made, no name resolved.
    """

    items: Any
    cause: str
    wait_seconds: float | None = None
    reached: bool = True


class LossReporter(Protocol):
    """Told that items are lost for good: they are counted, and summed up on stderr."""

    def __call__(self, items: int, reason: str, cause: str = "") -> None:
        """Count them.

        Args:
            items: how many.
            reason: a :data:`LossReason`, or a few words.
            cause: what the receiver said; empty when it said nothing.
        """
        ...


@runtime_checkable
class RetryAwareExporter(Protocol):
    """An exporter that can tell what may be tried again."""

    def attempt(self, items: Any, timeout_seconds: float) -> ExportFailure | None:
        """Try once.

        Args:
            items: as ``export`` takes them.
            timeout_seconds: for all of it; after that it must have returned.

        Returns:
            what may be tried again; ``None`` when nothing is left to be done: it arrived, but for single items that
            were reported with ``options.lost``.
        """
        ...


class Stopping(Protocol):
    """What a processor or a reader may have, beside the SDK's methods, to take part in the end of the process."""

    def begin_shutdown(self, deadline: float) -> None:
        """Take note that the end has come, and return at once; ``shutdown`` follows, and waits.

        Args:
            deadline: of the whole process, on the clock of :func:`time.monotonic`.
        """
        ...


class Forking(Protocol):
    """What any part of the pipeline may have to take part in a fork."""

    def forked(self) -> None:
        """In the child: drop what is the parent's (items, counts), and make anew what cannot be shared.

        No thread but this one exists; locks may be held by threads that do not.
        """
        ...


class BeforeForking(Protocol):
    """What a part may have that must not be in the middle of something when the process forks."""

    def before_fork(self) -> None:
        """In the process that forks: come to rest, in a fraction of a second, and stay there."""
        ...

    def forked_in_parent(self) -> None:
        """In the process that has forked: go on."""
        ...

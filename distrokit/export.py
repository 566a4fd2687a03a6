"""The contract between an exporter and the processor that feeds it.

The SDK's exporters return success or failure. After a failure the processor cannot know whether the receiver is away
for a minute or will never accept this batch, so it drops the batch (opentelemetry-python#4043). An exporter that knows
has a method ``attempt`` beside ``export``; the processor calls it and retries the items that it returns.
"""

from __future__ import annotations

from collections.abc import Callable
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


class ShutdownAware(Protocol):
    """A part of the pipeline that prepares for the shutdown of the process."""

    def begin_shutdown(self, deadline: float) -> None:
        """Prepare for shutdown, and return at once; ``shutdown`` is called later, and may wait.

        Args:
            deadline: for the shutdown of the whole process, in seconds of :func:`time.monotonic`.
        """
        ...


class FinishAware(Protocol):
    """A part of the pipeline that has something to report when all parts are shut down."""

    def finish(self) -> None:
        """Report what is left, such as losses; called last, and when a second Ctrl-C ends the process."""
        ...


class ForkAware(Protocol):
    """A part of the pipeline that is renewed in a forked child."""

    def forked(self) -> None:
        """Drop the parent's items and counts, and renew locks, threads and connections; called in the child.

        Only the calling thread exists. Locks may be held by threads that do not exist in the child.
        """
        ...


class ForkPausing(Protocol):
    """A part of the pipeline that has to pause while the process forks."""

    def before_fork(self) -> None:
        """Pause within a fraction of a second, until ``forked_in_parent``; called in the parent."""
        ...

    def forked_in_parent(self) -> None:
        """Continue; called in the parent after the fork."""
        ...


class LazyMetricReader(Protocol):
    """A metric reader that starts its thread when the process first uses telemetry."""

    def start_collecting(self) -> None:
        """Start to collect; called at the first measurement or export of a process, and again in a forked child."""
        ...


class RenewableMetricReader(Protocol):
    """A metric reader that can be registered again, so that a forked child starts with empty counters."""

    def renew(self, take_out: Callable[[Any], None], put_in: Callable[[Any], None]) -> None:
        """Leave the provider and register again, without a shutdown; called in the child.

        Args:
            take_out: the provider's ``remove_metric_reader``, which calls the reader's ``shutdown``.
            put_in: the provider's ``add_metric_reader``.
        """
        ...


class ExporterWrapper:
    """The base of an exporter that stands in front of another one.

    Every attribute that a subclass does not define is the inner exporter's, so that a metric reader finds its
    temporality. The one exception is ``attempt`` (:class:`RetryAwareExporter`): a subclass that defines ``export``
    alone has none, since the pipeline would call the inner one and pass the wrapper by. Derive from this class and then
    from the SDK's::

        class CountingExporter(ExporterWrapper, SpanExporter):
            def __init__(self, exporter):
                super().__init__(exporter)
                self.count = 0

            def export(self, spans):
                self.count += len(spans)
                return self._exporter.export(spans)

            def attempt(self, spans, timeout_seconds):
                self.count += len(spans)
                return self._exporter.attempt(spans, timeout_seconds)

    Args:
        exporter: the inner exporter.
    """

    def __init__(self, exporter: Any) -> None:
        # Not super().__init__(): MetricExporter's would set a temporality that hides the inner exporter's.
        self._exporter = exporter

    def __getattr__(self, name: str) -> Any:
        if "_exporter" not in self.__dict__:
            # copy() and pickle look for attributes before __init__ has run.
            raise AttributeError(name)
        if name == "attempt" and hasattr(type(self), "export"):
            raise AttributeError("attempt: a wrapper that defines export has to define it, too")
        return getattr(self._exporter, name)

    def begin_shutdown(self, deadline: float) -> None:
        """Pass it on, if the inner exporter has this method (:class:`ShutdownAware`)."""
        begin = getattr(self._exporter, "begin_shutdown", None)
        if begin is not None:
            begin(deadline)

    def forked(self) -> None:
        """Pass it on, if the inner exporter has this method (:class:`ForkAware`)."""
        forked = getattr(self._exporter, "forked", None)
        if forked is not None:
            forked()

    def shutdown(self, *args: Any, **kwargs: Any) -> None:
        """Shut the inner exporter down."""
        self._exporter.shutdown(*args, **kwargs)

    def force_flush(self, *args: Any, **kwargs: Any) -> bool:
        """Flush the inner exporter."""
        return bool(self._exporter.force_flush(*args, **kwargs))


def is_failure(result: object) -> bool:
    """Tell whether an exporter's result is ``FAILURE``; some exporters return ``None``, or an older result class."""
    return getattr(result, "name", "") == "FAILURE"


def count_items(items: Any) -> int:
    """Return the number of spans or log records in a list, or of data points in a ``MetricsData``."""
    resources = getattr(items, "resource_metrics", None)
    if resources is None:
        return len(items)
    metrics = (metric for resource in resources for scope in resource.scope_metrics for metric in scope.metrics)
    return sum(len(metric.data.data_points) for metric in metrics)

"""So many traces a second, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from distrokit import BuildContext


class Bucket:
    """Fills with time, up to what a second brings; whoever wants something takes one.

    Args:
        per_second: how fast.
        clock: seconds.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = per_second, clock
        self._most = max(per_second, 1.0) if per_second else 0.0
        self.forked()

    def forked(self) -> None:
        """In a child: a lock and a second of its own."""
        self._lock, self._there, self._at = threading.Lock(), self._most, self._clock()

    def take(self) -> bool:
        """Take a token; false if there was none."""
        with self._lock:
            now = self._clock()
            self._there, self._at = min(self._most, self._there + (now - self._at) * self._rate), now
            if self._there < 1:
                return False
            self._there -= 1
            return True


class RateLimited(Sampler):
    """For traces that begin here."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if self._bucket.take():
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        return "RateLimited"


class RateLimitedRoots(ParentBased):
    """Limits root spans; a child follows its parent. The bucket handles forks."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(RateLimited(bucket))
        self.forked = bucket.forked


def rate_limited(context: BuildContext) -> Sampler:
    """``azure_example.rate_limited``."""
    return RateLimitedRoots(Bucket(context.arguments["traces_per_second"]))


def fixed_percentage(context: BuildContext) -> Sampler:
    """``azure_example.fixed_percentage``, and the name that this vendor has for upstream's."""
    return ParentBased(TraceIdRatioBased(context.arguments["ratio"]))

"""A sampler whose ratio changes while the process runs."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes


class LiveRatio(Sampler):
    """Every tracer keeps the sampler it was made with, and so this one stays, and asks another one.

    Args:
        ratio: from 0 to 1, of the traces that begin here; whoever has a parent does as the parent.
    """

    def __init__(self, ratio: float) -> None:
        self._first = ratio
        self._inner = _at(ratio)

    def change(self, ratio: float | None) -> None:
        """From now on; ``None`` for the ratio it began with. One assignment, and so no lock."""
        self._inner = _at(self._first if ratio is None else ratio)

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
        return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"LiveRatio{{{self._inner.get_description()}}}"


def _at(ratio: float) -> Sampler:
    return ParentBased(TraceIdRatioBased(ratio))

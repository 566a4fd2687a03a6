"""A sampler that applies the policies which can be decided when a span starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from distrokit_policy.engine.compiling import Compiled, SpanPolicies
from distrokit_policy.engine.tracestate import encode_threshold, parse_ot, parse_threshold, set_threshold
from distrokit_policy.runtime.sdk_fields import SpanStart

if TYPE_CHECKING:
    from distrokit_policy.runtime.service import PolicyService


class PolicySampler(Sampler):
    """Drops the spans that policies drop, and the children of these; asks another sampler about the others.

    Args:
        inner: the other sampler.
        service: has the policies.
    """

    #: The inner sampler may: distrokit has wrapped it by itself.
    records_nothing = True

    def __init__(self, inner: Sampler, service: PolicyService) -> None:
        self._inner, self._service = inner, service

    @property
    def passes_to(self) -> Sampler | None:
        """The inner sampler while no policy is for spans that start; see :class:`distrokit.Sampler`."""
        return self._inner if self._service.current().starting is None else None

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
        policies = self._service.current().starting
        if policies is None:
            return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        parent_span = get_current_span(parent_context)
        parent = parent_span.get_span_context()
        if isinstance(parent.trace_state, _Dropped) and not parent.is_remote:
            # A child of what a policy has dropped.
            return SamplingResult(Decision.DROP, trace_state=parent.trace_state)
        text = parent.trace_state.to_header() if parent.is_valid and parent.trace_state else ""
        start = SpanStart(name, kind, attributes, trace_id, parent, text)
        threshold: str | None = None
        try:
            dropped, threshold = self._decide(policies, start, parent_span)
        except Exception as error:
            # The span is kept.
            self._service.failed("sampler", error)
            dropped = False
        if dropped:
            return SamplingResult(Decision.DROP, trace_state=_Dropped(list((parent.trace_state or {}).items())))
        result = self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        return _with_threshold(result, threshold) if threshold is not None else result

    def _decide(self, policies: SpanPolicies, start: SpanStart, parent_span: Any) -> tuple[bool, str | None]:
        """Return whether the span is dropped, and the threshold of its trace state; ``None`` if it stays as it is."""
        matched = policies.match(start)
        if any(_takes_proportion(each) for each in matched) and not start.parent.is_remote and start.parent.is_valid:
            # A proportion is taken once: a parent in this process that matches has been decided by it.
            matched = [each for each in matched if not (_takes_proportion(each) and _matches_parent(each, parent_span))]
        if not matched:
            return False, None
        winner, sampled = policies.decide(matched, start)
        once = [each for each in matched if _takes_proportion(each)]
        if not sampled.kept:
            policies.count(matched, winner, kept=False)
        elif once:
            # The others are counted when the span ends.
            policies.count(once, winner, kept=True)
        if not sampled.kept or sampled.threshold is None:
            return not sampled.kept, None
        return False, encode_threshold(sampled.threshold, winner.policy.keep.precision)

    def begin_shutdown(self, deadline: float) -> None:
        """End the threads that ask the providers."""
        self._service.stop()

    def get_description(self) -> str:
        return f"Policies{{{self._inner.get_description()}}}"


def _takes_proportion(compiled: Compiled) -> bool:
    keep = compiled.policy.keep
    return keep.mode == "proportional" and keep.kind == "percentage"


def _matches_parent(compiled: Compiled, span: Any) -> bool:
    """Tell whether a span that runs matches a policy."""
    if not hasattr(span, "attributes"):
        return False
    own_parent = getattr(span, "parent", None)
    context = span.get_span_context()
    text = context.trace_state.to_header() if context.trace_state else ""
    start = SpanStart(span.name, span.kind, span.attributes, context.trace_id, own_parent or _NO_PARENT, text)
    return compiled.matches(start)


class _NoParent:
    span_id = 0


_NO_PARENT = _NoParent()


class _Dropped(TraceState):
    """The trace state of a span that a policy has dropped; the class tells it to the sampler of its children.

    It is sent to other services like any other.
    """


def _with_threshold(result: SamplingResult, threshold: str) -> SamplingResult:
    """Return the inner sampler's result with a threshold; its own one stays if it is higher."""
    if result.decision is Decision.DROP:
        return result
    before = result.trace_state.to_header() if result.trace_state else ""
    own = parse_threshold(parse_ot(before))
    if own is not None and own > (parse_threshold({"th": threshold}) or 0):
        return result
    return SamplingResult(
        result.decision, result.attributes, TraceState.from_header([set_threshold(before, threshold)])
    )

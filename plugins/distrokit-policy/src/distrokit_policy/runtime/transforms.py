"""The parts at the stage ``transform``: apply policies to finished spans, log records and collections of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from distrokit import replace_span
from distrokit_policy.engine.compiling import MetricPolicies, SpanPolicies
from distrokit_policy.engine.tracestate import encode_threshold, parse_ot, parse_threshold, set_threshold
from distrokit_policy.runtime.sdk_fields import MetricPoint

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from distrokit_policy.runtime.service import PolicyService


class _Transform:
    """A part with policies.

    Args:
        service: has the policies.
    """

    records_nothing = True

    def __init__(self, service: PolicyService) -> None:
        self._service = service

    def begin_shutdown(self, deadline: float) -> None:
        """End the threads that ask the providers."""
        self._service.stop()


class SpanTransform(_Transform):
    """Drops finished spans, and notes the probability of those that are kept."""

    def __call__(self, span: ReadableSpan) -> ReadableSpan | None:
        policies = self._service.current().spans
        if policies is None:
            return span
        try:
            matched = policies.match(span)
            return self._apply(policies, matched, span) if matched else span
        except Exception as error:
            self._service.failed("spans", error)
            return span

    @staticmethod
    def _apply(policies: SpanPolicies, matched: Sequence[Any], span: ReadableSpan) -> ReadableSpan | None:
        winner, sampled = policies.decide(matched, span)
        policies.count(matched, winner, kept=sampled.kept)
        if not sampled.kept:
            return None
        context = span.context
        if sampled.threshold is None or context is None:
            return span
        before = context.trace_state.to_header()
        own = parse_threshold(parse_ot(before))
        if own is not None and own > sampled.threshold:
            # A sampler has kept fewer.
            return span
        after = set_threshold(before, encode_threshold(sampled.threshold, winner.policy.keep.precision))
        if after == before:
            return span
        from opentelemetry.trace import SpanContext, TraceState

        changed = SpanContext(
            context.trace_id, context.span_id, context.is_remote, context.trace_flags, TraceState.from_header([after])
        )
        return replace_span(span, context=changed)


class LogTransform(_Transform):
    """Drops log records, and changes those that are kept."""

    def __call__(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        policies = self._service.current().logs
        if policies is None:
            return record
        try:
            return record if policies.apply(record) else None
        except Exception as error:
            self._service.failed("logs", error)
            return record


class MetricTransform(_Transform):
    """Drops points of metrics, and metrics without points."""

    def __call__(self, data: MetricsData) -> MetricsData | None:
        policies = self._service.current().metrics
        if policies is None:
            return data
        try:
            return _apply_to_metrics(policies, data)
        except Exception as error:
            self._service.failed("metrics", error)
            return data


def _apply_to_metrics(policies: MetricPolicies, data: MetricsData) -> MetricsData | None:
    resources = []
    for resource in data.resource_metrics:
        scopes = []
        for scope in resource.scope_metrics:
            kept = [_left_of(policies, metric, scope.scope, resource.resource) for metric in scope.metrics]
            metrics = [metric for metric in kept if metric is not None]
            if metrics:
                scopes.append(replace(scope, metrics=metrics))
        if scopes:
            resources.append(replace(resource, scope_metrics=scopes))
    return replace(data, resource_metrics=resources) if resources else None


def _left_of(policies: MetricPolicies, metric: Any, scope: Any, resource: Any) -> Any:
    """Return a metric with the points that are kept; ``None`` if there are none."""
    points = list(metric.data.data_points)
    kept = policies.apply([MetricPoint(metric, point, scope, resource) for point in points])
    if all(kept):
        return metric
    left = [point for point, keeps in zip(points, kept, strict=True) if keeps]
    return replace(metric, data=replace(metric.data, data_points=left)) if left else None

"""Application signals: metrics of every span, sampled or not, which go to a destination of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from distrokit import BuildContext

SCOPE = "aws_example.application_signals"
_COUNTED = (SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT, SpanKind.PRODUCER)


class SpanMetrics(SpanProcessor):
    """At ``derive``: it sees what the transforms left, and what is recorded without being sampled."""

    def __init__(self, context: BuildContext) -> None:
        attributes: Mapping[str, Any] = context.resource.attributes if context.resource else {}
        self.service = str(attributes.get("service.name", ""))

    @cached_property
    def latency(self) -> metrics.Histogram:
        """Made with the first span: a process without any has no thread that collects."""
        return metrics.get_meter(SCOPE).create_histogram("Latency", "ms")

    @cached_property
    def faults(self) -> metrics.Counter:
        """Likewise."""
        return metrics.get_meter(SCOPE).create_counter("Fault")

    def on_end(self, span: ReadableSpan) -> None:
        if span.kind not in _COUNTED or span.start_time is None or span.end_time is None:
            return
        attributes = {"Service": self.service, "Operation": span.name, "Kind": span.kind.name}
        self.latency.record((span.end_time - span.start_time) / 1e6, attributes)
        self.faults.add(int(span.status.status_code is StatusCode.ERROR), attributes)


def scope(context: BuildContext, *, ours: bool) -> Callable[[MetricsData], MetricsData | None]:
    """Return a transform that keeps the metrics of one scope, or all others; a view cannot express "all but"."""

    def chosen(data: MetricsData) -> MetricsData | None:
        found = []
        for resource in data.resource_metrics:
            scopes = [scoped for scoped in resource.scope_metrics if (scoped.scope.name == SCOPE) is ours]
            if scopes:
                found.append(replace(resource, scope_metrics=scopes))
        return MetricsData(found) if found else None

    return chosen

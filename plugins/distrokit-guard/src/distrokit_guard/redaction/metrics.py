"""Redacts collections of metrics of the SDK.

Points that have the same attributes afterwards become one point, since a backend would keep one of them only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from distrokit_guard.redaction.copies import change_each
from distrokit_guard.redaction.merging import merge_points
from distrokit_guard.redaction.redactor import Redactor
from distrokit_guard.redaction.shared import SharedObjects

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics

#: An item of any class.
T = TypeVar("T")


class MetricRedactor:
    """Returns collections without secrets, and the same object where there is none.

    Args:
        redactor: of their attributes and texts.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._shared = SharedObjects(redactor)

    def __call__(self, data: MetricsData) -> MetricsData:
        resources = change_each(data.resource_metrics, self._resource)
        return data if resources is data.resource_metrics else replace(data, resource_metrics=resources)

    def _resource(self, metrics: ResourceMetrics) -> ResourceMetrics:
        resource = self._shared.resource(metrics.resource)
        scopes = change_each(metrics.scope_metrics, self._scope)
        return _change(metrics, resource=resource, scope_metrics=scopes)

    def _scope(self, metrics: ScopeMetrics) -> ScopeMetrics:
        scope = self._shared.scope(metrics.scope)
        return _change(metrics, scope=scope, metrics=change_each(metrics.metrics, self._metric))

    def _metric(self, metric: Metric) -> Metric:
        self._redactor.statistics.items += 1
        text = self._redactor.optional_text
        data: Any = metric.data
        points = getattr(data, "data_points", ())
        new_points = change_each(points, self._point)
        if new_points is not points:
            data = replace(data, data_points=merge_points(data, new_points))
        return _change(
            metric,
            name=text(metric.name),
            description=text(metric.description),
            unit=text(metric.unit),
            data=data,
        )

    def _point(self, point: Any) -> Any:
        before = point.attributes
        attributes = self._redactor.attributes(before) if before else before
        exemplars = change_each(point.exemplars, self._exemplar) if point.exemplars else point.exemplars
        return _change(point, attributes=attributes, exemplars=exemplars)

    def _exemplar(self, exemplar: Any) -> Any:
        before = exemplar.filtered_attributes
        return _change(exemplar, filtered_attributes=self._redactor.attributes(before) if before else before)


def _change(item: T, **parts: Any) -> T:
    """Return the item with these parts; the same object if it has them already."""
    if all(getattr(item, name) is part for name, part in parts.items()):
        return item
    made: Any = item
    changed: T = replace(made, **parts)
    return changed

"""Reads the fields of the SDK's spans and metrics, and of a span that starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from distrokit_policy.engine.access import Attributes, Read, path_reader
from distrokit_policy.engine.policies import Selector

Fields = Mapping[str, Read]


class FieldsAccess:
    """Reads items whose fields are functions by name.

    Args:
        attributes: returns the item's own attributes.
        resource, scope: return those of the item.
        fields: by name.
        events, links: those of a span.
    """

    def __init__(
        self,
        attributes: Callable[[Any], Attributes],
        resource: Read,
        scope: Read,
        fields: Fields,
        events: Read | None = None,
        links: Read | None = None,
    ) -> None:
        self.attributes = attributes
        self._resource, self._scope, self._events, self._links = resource, scope, events, links
        self._fields: dict[str, Read] = {
            **fields,
            "resource_schema_url": lambda item: getattr(resource(item), "schema_url", None) or None,
            "scope_schema_url": lambda item: getattr(scope(item), "schema_url", None) or None,
            "scope_name": lambda item: getattr(scope(item), "name", None) or None,
            "scope_version": lambda item: getattr(scope(item), "version", None) or None,
        }

    def reader(self, selector: Selector) -> Read:
        """Return what reads a field."""
        kind, events, links = selector.kind, self._events, self._links
        if kind == "attribute":
            return path_reader(self.attributes, selector.path)
        if kind in ("resource attribute", "scope attribute"):
            owner = self._resource if kind == "resource attribute" else self._scope
            return path_reader(lambda item: getattr(owner(item), "attributes", None), selector.path)
        if kind == "event name" and events is not None:
            return lambda item: tuple(event.name for event in events(item))
        if kind == "event attribute" and events is not None:
            find = path_reader(lambda event: event.attributes, selector.path)
            return lambda item: tuple(value for value in map(find, events(item)) if value is not None)
        if kind == "link" and links is not None:
            return lambda item: tuple(link.context.trace_id.to_bytes(16, "big") for link in links(item))
        return self._fields[selector.name]


def _id_of(value: int, length: int) -> bytes | None:
    return value.to_bytes(length, "big") if value else None


def _parent_id(span: Any) -> bytes | None:
    return _id_of(span.parent.span_id, 8) if span.parent is not None else None


def finished_spans() -> FieldsAccess:
    """Return what reads the SDK's finished spans."""
    return FieldsAccess(
        lambda span: span.attributes,
        lambda span: span.resource,
        lambda span: span.instrumentation_scope,
        {
            "name": lambda span: span.name or None,
            "kind": lambda span: span.kind.name.lower(),
            "status": lambda span: span.status.status_code.name.lower(),
            "trace_id": lambda span: _id_of(span.context.trace_id, 16) if span.context else None,
            "span_id": lambda span: _id_of(span.context.span_id, 8) if span.context else None,
            "parent_span_id": _parent_id,
            "trace_state": lambda span: (span.context.trace_state.to_header() or None) if span.context else None,
        },
        events=lambda span: span.events,
        links=lambda span: span.links,
    )


class SpanStart(NamedTuple):
    """What a sampler knows of a span.

    Attributes:
        parent: the context of its parent; an invalid one for none.
        trace_state: that of its parent, as text.
    """

    name: str
    kind: Any
    attributes: Attributes
    trace_id: int
    parent: Any
    trace_state: str


#: The fields that a sampler knows.
START_FIELDS: Fields = {
    "name": lambda start: start.name or None,
    # The API's default.
    "kind": lambda start: start.kind.name.lower() if start.kind is not None else "internal",
    "trace_id": lambda start: _id_of(start.trace_id, 16),
    "parent_span_id": lambda start: _id_of(start.parent.span_id, 8),
    "trace_state": lambda start: start.trace_state or None,
}


def starting_spans() -> FieldsAccess:
    """Return what reads a :class:`SpanStart`, which has no resource: conditions on it are decided before."""
    return FieldsAccess(lambda start: start.attributes, _nothing, _nothing, START_FIELDS)


def _nothing(_item: Any) -> None:
    return None


class MetricPoint(NamedTuple):
    """A metric with one of its points, and their owners."""

    metric: Any
    point: Any
    scope: Any
    resource: Any


_TYPES = {
    "Gauge": "gauge",
    "Sum": "sum",
    "Histogram": "histogram",
    "ExponentialHistogram": "exponential_histogram",
    "Summary": "summary",
}


def _temporality(item: MetricPoint) -> str | None:
    temporality = getattr(item.metric.data, "aggregation_temporality", None)
    return None if temporality is None else str(temporality.name).lower()


def metric_points() -> FieldsAccess:
    """Return what reads a :class:`MetricPoint`."""
    return FieldsAccess(
        lambda item: item.point.attributes if item.point is not None else None,
        lambda item: item.resource,
        lambda item: item.scope,
        {
            "name": lambda item: item.metric.name or None,
            "description": lambda item: item.metric.description or None,
            "unit": lambda item: item.metric.unit or None,
            "type": lambda item: _TYPES.get(type(item.metric.data).__name__),
            "aggregation_temporality": _temporality,
        },
    )

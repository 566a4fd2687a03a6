"""Reads and changes the fields of items in OTLP/JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from distrokit_policy.engine.access import Attributes, Read, path_reader
from distrokit_policy.engine.names import ENUMERATIONS
from distrokit_policy.engine.policies import Selector, SelectorKind
from distrokit_policy.otlp_json.values import EMPTY, decode, decode_attributes


@dataclass
class Owner:
    """A resource or scope.

    Attributes:
        data: in OTLP/JSON.
        schema_url: of its part of the request.
    """

    data: dict[str, Any]
    attributes: dict[str, Any]
    schema_url: str


@dataclass
class Item:
    """A span, a log record, or a metric with one of its points.

    Attributes:
        data: in OTLP/JSON.
        attributes: its own; of a metric those of the point.
    """

    data: dict[str, Any]
    attributes: dict[str, Any]
    resource: Owner
    scope: Owner


_IDS = {"trace_id": "traceId", "span_id": "spanId", "parent_span_id": "parentSpanId"}
_TEXTS = {
    "severity_text": "severityText",
    "event_name": "eventName",
    "name": "name",
    "description": "description",
    "unit": "unit",
    "trace_state": "traceState",
}
_POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES, _TEMPORALITIES = ("unset", "ok", "error"), ("", "delta", "cumulative")


def _own_attributes(item: Item) -> dict[str, Any]:
    return item.attributes


def _resource_attributes(item: Item) -> dict[str, Any]:
    return item.resource.attributes


def _scope_attributes(item: Item) -> dict[str, Any]:
    return item.scope.attributes


_ATTRIBUTES: Mapping[str, Callable[[Item], dict[str, Any]]] = {
    "attribute": _own_attributes,
    "resource attribute": _resource_attributes,
    "scope attribute": _scope_attributes,
}


class JSONAccess:
    """Reads spans, log records and metrics; changes log records."""

    def attributes(self, item: Item) -> Attributes:
        """Return the attributes of an item."""
        return item.attributes

    def reader(self, selector: Selector) -> Read:
        """Return what reads a field."""
        if selector.kind in _ATTRIBUTES:
            return path_reader(_ATTRIBUTES[selector.kind], selector.path)
        if selector.kind == "event attribute":
            return _event_reader(selector.path)
        if selector.kind == "event name":
            return lambda item: tuple(event.get("name", "") for event in item.data.get("events", ()))
        if selector.kind == "link":
            return lambda item: tuple(bytes.fromhex(link.get("traceId", "")) for link in item.data.get("links", ()))
        return _field_reader(selector.name)

    def attributes_of(self, item: Item, kind: SelectorKind) -> Attributes:
        """Return the attributes of record, resource or scope."""
        return _ATTRIBUTES[kind](item)

    def set_attribute(self, item: Item, kind: SelectorKind, key: str, value: Any) -> None:
        """Set an attribute; one of a resource or scope for all its items."""
        _ATTRIBUTES[kind](item)[key] = value

    def delete_attribute(self, item: Item, kind: SelectorKind, key: str) -> None:
        """Remove an attribute."""
        del _ATTRIBUTES[kind](item)[key]

    def set_field(self, item: Item, name: str, value: str | None) -> None:
        """Set a field; ``None`` removes it."""
        text = value or ""
        if name == "body":
            item.data["body"] = {"stringValue": text}
        elif name in _IDS:
            item.data[_IDS[name]] = text if _is_hex(text) else ""
        else:
            item.data[_TEXTS[name]] = text


def _is_hex(text: str) -> bool:
    try:
        return text == bytes.fromhex(text).hex()
    except ValueError:
        return False


def _event_reader(path: tuple[str, ...]) -> Read:
    def read(item: Item) -> tuple[Any, ...]:
        attributes = [decode_attributes(event.get("attributes")) for event in item.data.get("events", ())]
        find = path_reader(lambda each: each, path)
        return tuple(value for value in map(find, attributes) if value is not None)

    return read


def _field_reader(name: str) -> Read:
    if name in _IDS:
        key = _IDS[name]
        return lambda item: bytes.fromhex(item.data.get(key) or "") or None
    if name in _TEXTS:
        key = _TEXTS[name]
        return lambda item: item.data.get(key) or None
    if name in _READERS:
        return _READERS[name]
    key = name.removeprefix("scope_")
    return lambda item: item.scope.data.get(key) or None


def _read_body(item: Item) -> Any:
    value = decode(item.data.get("body"))
    return None if value is EMPTY or value == "" else value


def _read_temporality(item: Item) -> str | None:
    for kind in _POINTS:
        if kind in item.data:
            written = item.data[kind].get("aggregationTemporality", 0)
            return _named(written, "aggregation_temporality", _TEMPORALITIES) or None
    return None


def _read_status(item: Item) -> str:
    return _named((item.data.get("status") or {}).get("code", 0), "span_status", _STATUSES)


def _read_kind(item: Item) -> str:
    return _named(item.data.get("kind", 0), "span_kind", _KINDS)


def _read_type(item: Item) -> str | None:
    return next((_snake(kind) for kind in _POINTS if kind in item.data), None)


#: The fields that are read in a way of their own.
_READERS: Mapping[str, Read] = {
    "body": _read_body,
    "status": _read_status,
    "kind": _read_kind,
    "type": _read_type,
    "aggregation_temporality": _read_temporality,
    "resource_schema_url": lambda item: item.resource.schema_url or None,
    "scope_schema_url": lambda item: item.scope.schema_url or None,
}


def _named(value: Any, enumeration: str, numbers: tuple[str, ...]) -> str:
    """Return the short name of an enumeration's value, which OTLP/JSON has as number or name."""
    if isinstance(value, int):
        return numbers[value] if 0 <= value < len(numbers) else ""
    prefix, names = ENUMERATIONS[enumeration]
    prefix = "STATUS_CODE_" if enumeration == "span_status" and not value.startswith(prefix) else prefix
    return names.get(value.removeprefix(prefix).lower(), "")


def _snake(name: str) -> str:
    return "exponential_histogram" if name == "exponentialHistogram" else name


def make_owner(part: Mapping[str, Any], name: str) -> Owner:
    """Return the resource or scope of a part of a request."""
    data = dict(part.get(name) or {})
    return Owner(data, decode_attributes(data.get("attributes")), part.get("schemaUrl", ""))


def make_item(data: dict[str, Any], resource: Owner, scope: Owner) -> Item:
    """Return a span or log record."""
    return Item(data, decode_attributes(data.get("attributes")), resource, scope)


def make_points(metric: dict[str, Any], resource: Owner, scope: Owner) -> list[Item]:
    """Return a metric with each of its points; with none as one item without attributes."""
    points = data_points(metric)
    items = [Item(metric, decode_attributes(point.get("attributes")), resource, scope) for point in points]
    return items or [Item(metric, {}, resource, scope)]


def data_points(metric: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the points of a metric."""
    for kind in _POINTS:
        if kind in metric:
            return list(metric[kind].get("dataPoints") or ())
    return []


def with_points(metric: dict[str, Any], points: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a metric with other points."""
    kind = next(kind for kind in _POINTS if kind in metric)
    return {**metric, kind: {**metric[kind], "dataPoints": points}}

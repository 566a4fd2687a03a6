"""Reads and changes the SDK's log records."""

from __future__ import annotations

from typing import Any

from distrokit_policy.engine.access import Attributes
from distrokit_policy.engine.policies import SelectorKind
from distrokit_policy.runtime.sdk_fields import FieldsAccess

_ID_LENGTHS = {"trace_id": 16, "span_id": 8}


def _body(record: Any) -> Any:
    body = record.log_record.body
    return None if body == "" else body


def _id_reader(name: str) -> Any:
    length = _ID_LENGTHS[name]

    def read(record: Any) -> bytes | None:
        value = getattr(record.log_record, name)
        return value.to_bytes(length, "big") if value else None

    return read


class LogRecordAccess(FieldsAccess):
    """Reads and changes a ``ReadWriteLogRecord`` in place; a resource or scope is replaced for this record only."""

    def __init__(self) -> None:
        super().__init__(
            lambda record: record.log_record.attributes,
            lambda record: record.resource,
            lambda record: record.instrumentation_scope,
            {
                "body": _body,
                "severity_text": lambda record: record.log_record.severity_text or None,
                "event_name": lambda record: record.log_record.event_name or None,
                "trace_id": _id_reader("trace_id"),
                "span_id": _id_reader("span_id"),
            },
        )

    def attributes_of(self, item: Any, kind: SelectorKind) -> Attributes:
        """Return the attributes of record, resource or scope."""
        if kind == "attribute":
            attributes: Attributes = item.log_record.attributes
            return attributes
        owner = item.resource if kind == "resource attribute" else item.instrumentation_scope
        return getattr(owner, "attributes", None)

    def set_attribute(self, item: Any, kind: SelectorKind, key: str, value: Any) -> None:
        """Set an attribute."""
        self._change(item, kind, {**(self.attributes_of(item, kind) or {}), key: value})

    def delete_attribute(self, item: Any, kind: SelectorKind, key: str) -> None:
        """Remove an attribute."""
        attributes = self.attributes_of(item, kind) or {}
        self._change(item, kind, {name: value for name, value in attributes.items() if name != key})

    @staticmethod
    def _change(item: Any, kind: SelectorKind, attributes: dict[str, Any]) -> None:
        if kind == "attribute":
            _change_record(item.log_record, attributes)
        elif kind == "resource attribute":
            from opentelemetry.sdk.resources import Resource

            item.resource = Resource(attributes, getattr(item.resource, "schema_url", None))
        elif item.instrumentation_scope is not None:
            from opentelemetry.sdk.util.instrumentation import InstrumentationScope

            scope = item.instrumentation_scope
            item.instrumentation_scope = InstrumentationScope(
                scope.name, scope.version, getattr(scope, "schema_url", None), attributes
            )

    def set_field(self, item: Any, name: str, value: str | None) -> None:
        """Set a field; ``None`` removes it."""
        record = item.log_record
        if name in _ID_LENGTHS:
            setattr(record, name, _parse_id(value or "", _ID_LENGTHS[name]))
        else:
            setattr(record, name, value)


def _change_record(record: Any, attributes: dict[str, Any]) -> None:
    """Replace the attributes; the same object where the SDK made it: it has limits, and the number of dropped ones."""
    before = record.attributes
    if not hasattr(before, "dropped") or getattr(before, "_immutable", False):
        record.attributes = attributes
        return
    for key in [key for key in before if key not in attributes]:
        del before[key]
    for key, value in attributes.items():
        if key not in before or before[key] is not value:
            before[key] = value


def _parse_id(text: str, length: int) -> int:
    """Return an id; 0, which is no id, for anything else than its hexadecimal digits."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return 0
    return int.from_bytes(data, "big") if len(data) == length else 0

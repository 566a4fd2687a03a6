"""Applies the operations of policies to log records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from distrokit_policy.engine.access import Access, Attributes, plain
from distrokit_policy.engine.conditions import LONGEST_SEARCH
from distrokit_policy.engine.policies import Selector, SelectorKind, Transform
from distrokit_policy.engine.regex import Template

#: Changes an item; returns whether there was something to change.
Apply = Callable[[Any], bool]


class LogAccess(Access, Protocol):
    """Reads and changes log records."""

    def attributes_of(self, item: Any, kind: SelectorKind) -> Attributes:
        """Return the attributes of record, resource or scope; ``None`` for none."""

    def set_attribute(self, item: Any, kind: SelectorKind, key: str, value: Any) -> None:
        """Set an attribute of record, resource or scope."""

    def delete_attribute(self, item: Any, kind: SelectorKind, key: str) -> None:
        """Remove an attribute that there is."""

    def set_field(self, item: Any, name: str, value: str | None) -> None:
        """Set a field; ``None`` removes it."""


def make_transform(transform: Transform, access: LogAccess) -> Apply:
    """Return what applies an operation."""
    selector = transform.selector
    read = access.reader(selector)
    if transform.operation == "redact":
        return _make_redaction(transform, access)
    if transform.operation == "rename":
        return lambda item: _rename(item, transform, access)

    def remove(item: Any) -> bool:
        if read(item) is None:
            return False
        if selector.kind == "field":
            access.set_field(item, selector.name, None)
        else:
            _delete(item, selector, access)
        return True

    def add(item: Any) -> bool:
        if transform.upsert or read(item) is None:
            _set(item, selector, transform.value, access)
        return True

    return remove if transform.operation == "remove" else add


def _make_redaction(transform: Transform, access: LogAccess) -> Apply:
    selector, value, pattern = transform.selector, transform.value, transform.pattern
    read = access.reader(selector)
    if pattern is None:

        def redact(item: Any) -> bool:
            if read(item) is None:
                return False
            _set(item, selector, value, access)
            return True

        return redact
    template, finditer, is_linear = Template(value, pattern), pattern.compiled.finditer, pattern.is_linear

    def redact_matches(item: Any) -> bool:
        text = plain(read(item))
        if type(text) is not str:
            return False
        parts: list[str] = []
        end = 0
        for found in finditer(text if is_linear else text[:LONGEST_SEARCH]):
            parts += (text[end : found.start()], template.expand(found))
            end = found.end()
        if not parts:
            return False
        _set(item, selector, "".join((*parts, text[end:])), access)
        return True

    return redact_matches


def _rename(item: Any, transform: Transform, access: LogAccess) -> bool:
    """Rename an attribute, inside the mapping that has it. Fields have no other name."""
    selector = transform.selector
    if selector.kind == "field":
        return False
    *outer, last = selector.path
    target = (*outer, transform.value)
    attributes = access.attributes_of(item, selector.kind)
    value = _find(attributes, selector.path)
    if value is None:
        return False
    if last == transform.value or (not transform.upsert and _find(attributes, target) is not None):
        return True
    _delete(item, selector, access)
    _set(item, Selector(selector.kind, path=target), value, access)
    return True


def _find(attributes: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(attributes, Mapping):
            return None
        attributes = attributes.get(key)
    return attributes


def _set(item: Any, selector: Selector, value: Any, access: LogAccess) -> None:
    if selector.kind == "field":
        access.set_field(item, selector.name, value)
        return
    key, *inner = selector.path
    if inner:
        value = _changed(_find(access.attributes_of(item, selector.kind), (key,)), inner, value)
    access.set_attribute(item, selector.kind, key, value)


def _delete(item: Any, selector: Selector, access: LogAccess) -> None:
    key, *inner = selector.path
    if inner:
        outer = _find(access.attributes_of(item, selector.kind), (key,))
        access.set_attribute(item, selector.kind, key, _changed(outer, inner, None))
    else:
        access.delete_attribute(item, selector.kind, key)


def _changed(mapping: Any, path: list[str], value: Any) -> dict[str, Any]:
    """Return a copy of a mapping with a value at a path; ``None`` removes it. The application may hold the mapping."""
    changed = dict(mapping) if isinstance(mapping, Mapping) else {}
    key, *inner = path
    if inner:
        value = _changed(changed.get(key), inner, value)
    if value is None:
        changed.pop(key, None)
    else:
        changed[key] = value
    return changed

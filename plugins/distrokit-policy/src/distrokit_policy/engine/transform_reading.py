"""Reads what is changed in log records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit_policy.engine.matcher_reading import SELECTORS, read_regex, read_selector
from distrokit_policy.engine.parts import Parts
from distrokit_policy.engine.policies import OPERATIONS, InvalidError, Operation, Transform

#: The names of an operation's own parts.
_PARTS: dict[Operation, tuple[str, ...]] = {
    "remove": (),
    "redact": ("replacement", "regex"),
    "rename": ("to", "upsert"),
    "add": ("value", "upsert"),
}
_REDACTED = "[REDACTED]"
#: Fields that an operation cannot change: the schemas' addresses are those of resource and scope.
_FIXED = ("resource_schema_url", "scope_schema_url")


def read_transforms(data: Any) -> Iterator[Transform | InvalidError]:
    """Yield each operation, or what is wrong with it, in the order in which they are applied."""
    if data is None:
        return
    try:
        parts = Parts(data, "transform")
        parts.only(OPERATIONS)
    except InvalidError as error:
        yield error
        return
    for operation in OPERATIONS:
        items, written = parts.get(operation, []), parts.written(operation)
        if not isinstance(items, list):
            yield InvalidError(f"{operation}: it must be a list", written)
            continue
        for at, item in enumerate(items):
            try:
                yield _read(operation, item)
            except InvalidError as error:
                yield InvalidError(f"{operation}[{at}]: {error.text}", written, at, *error.path)


def _read(operation: Operation, data: Any) -> Transform:
    prefix = "from_" if operation == "rename" else ""
    parts = Parts(data, f"an item of {operation}")
    parts.only([*(prefix + name for name in SELECTORS["log"]), *_PARTS[operation]])
    selector = read_selector(parts, "log", prefix)
    if selector.name in _FIXED:
        raise InvalidError(f"{selector.name} cannot be changed")
    upsert = parts.boolean("upsert") if "upsert" in parts else False
    if operation == "redact":
        regex = parts.text("regex") if "regex" in parts else None
        pattern = None if regex is None else read_regex(regex, parts.written("regex"))
        return Transform("redact", selector, parts.text("replacement", _REDACTED), pattern)
    if operation == "rename":
        if not parts.text("to"):
            raise InvalidError("to is empty", parts.written("to"))
        return Transform("rename", selector, parts.text("to"), upsert=upsert)
    if operation == "add" and "value" not in parts:
        raise InvalidError("value is missing")
    return Transform(operation, selector, parts.text("value"), upsert=upsert)

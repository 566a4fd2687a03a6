"""Changed copies of items of the SDK, with the numbers of what was dropped of them.

``BoundedAttributes`` and ``BoundedList`` are public, and so is their ``dropped``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def copy_span(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """Return a copy of a finished span with some parts replaced, by the argument names of the SDK's constructor.

    Unlike :func:`distrokit.replace_span` it does not check values: what the SDK has accepted must not make this raise.
    """
    from opentelemetry.sdk.trace import ReadableSpan

    names = ("name", "context", "parent", "resource", "attributes", "events", "links", "kind", "status")
    times = ("start_time", "end_time", "instrumentation_scope")
    return ReadableSpan(**{**{name: getattr(span, name) for name in (*names, *times)}, **changes})


def change_each(items: Sequence[Any], change: Callable[[Any], Any]) -> Sequence[Any]:
    """Return the items changed; the same object if none did."""
    changed = [change(item) for item in items]
    return items if all(new is old for new, old in zip(changed, items, strict=True)) else changed


def keep_dropped_attributes(attributes: Mapping[str, Any] | None, dropped: int) -> Mapping[str, Any] | None:
    """Return attributes with a number of dropped ones."""
    if not dropped:
        return attributes
    from opentelemetry.attributes import BoundedAttributes

    bounded = BoundedAttributes(attributes=attributes, immutable=True)
    bounded.dropped += dropped
    return bounded


def keep_dropped_items(items: Sequence[Any], dropped: int) -> Sequence[Any]:
    """Return events or links with a number of dropped ones."""
    if not dropped:
        return items
    from opentelemetry.sdk.util import BoundedList

    bounded = BoundedList.from_seq(None, items)
    bounded.dropped += dropped
    return bounded


def change_attributes(attributes: Any, changed: Mapping[str, Any], dropped: int = 0) -> Any:
    """Return changed attributes of a log record: the same object where it has limits and a number of dropped ones.

    Args:
        attributes: of this record only; the SDK makes them for each record.
        dropped: a number of attributes that were dropped now.
    """
    from opentelemetry.attributes import BoundedAttributes

    if not isinstance(attributes, BoundedAttributes):
        return changed
    for key in [key for key in attributes if key not in changed]:
        del attributes[key]
    for key, value in changed.items():
        if key not in attributes or attributes[key] is not value:
            attributes[key] = value
    attributes.dropped += dropped
    return attributes

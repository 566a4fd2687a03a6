"""Attributes that the SDK would keep as they are, and need none of its conversions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import SpanLimits

#: The types of values that the SDK keeps.
PLAIN = frozenset({str, bool, int, float})


def is_plain(attributes: Mapping[Any, Any], longest: int | None) -> bool:
    """Tell whether the SDK keeps these attributes as they are.

    Args:
        longest: the length limit of texts, in characters; ``None`` for none.
    """
    try:
        # Raises for a key that is no text.
        "".join(attributes)
    except TypeError:
        return False
    return (
        "" not in attributes
        and PLAIN.issuperset(map(type, attributes.values()))
        and (longest is None or all(type(one) is not str or len(one) <= longest for one in attributes.values()))
    )


class EventAttributes(BoundedAttributes):
    """The SDK's immutable attributes, of values that need no conversion, and within their limit.

    Args:
        values: belongs to the new object.
        limits: of the tracer.
    """

    def __init__(self, values: dict[str, Any], limits: SpanLimits) -> None:
        self._dict = values
        self.maxlen, self.max_value_len, self.dropped = limits.max_event_attributes, limits.max_attribute_length, 0
        self._immutable = True

    #: Read by OpenTelemetry 1.43.
    _extended_attributes = False

    @property
    def _lock(self) -> Any:  # type: ignore[override]
        # Nothing changes any more.
        return nullcontext()

"""The readable parts of a span of ours, while it is recorded and when it is finished.

The SDK's methods read a span's bounded attributes, events and links. Those of ours are made of the same data when they
are first read, since most spans have no events and links, and attributes that need no bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link

from distrokit.pipeline.recording.layout import make_reentrant


class SpanParts(ReadableSpan):
    """The readable parts of a span."""

    #: The attributes, while they are plain.
    _values: dict[str, Any]
    #: The SDK's own, as soon as a method of the SDK or a reader needs them; they share the dictionary. These three are
    #: absent from the object until they are made: `setdefault` makes them once, even if a signal handler or a thread
    #: does the same meanwhile.
    _bounded: Any = None
    _bounded_events: Any = None
    _bounded_links: Any = None
    _limits: SpanLimits

    @property
    def _attributes(self) -> Any:
        bounded = self._bounded
        if bounded is None:
            limits = self._limits
            bounded = BoundedAttributes(
                limits.max_span_attributes, immutable=False, max_value_len=limits.max_span_attribute_length
            )
            bounded._dict = self._values
            bounded._immutable = self._end_time is not None
            bounded = vars(self).setdefault("_bounded", make_reentrant(bounded))
        return bounded

    @_attributes.setter
    def _attributes(self, attributes: Any) -> None:
        # A mapping that is not made anew of the values.
        self._bounded = {} if attributes is None else attributes

    @property
    def _events(self) -> Any:
        if self._bounded_events is None:
            vars(self).setdefault("_bounded_events", make_reentrant(BoundedList(self._limits.max_events)))
        return self._bounded_events

    @_events.setter
    def _events(self, events: Any) -> None:
        self._bounded_events = events

    @property
    def _links(self) -> Any:
        if self._bounded_links is None:
            vars(self).setdefault("_bounded_links", make_reentrant(BoundedList(self._limits.max_links)))
        return self._bounded_links

    @_links.setter
    def _links(self, links: Any) -> None:
        self._bounded_links = links

    @property
    def attributes(self) -> Mapping[str, Any]:
        if self._bounded is None and self._end_time is not None:
            return MappingProxyType(self._values)
        return MappingProxyType(self._attributes)

    @property
    def events(self) -> Sequence[Event]:
        return () if self._bounded_events is None else super().events

    @property
    def links(self) -> Sequence[Link]:
        return () if self._bounded_links is None else super().links

    @property
    def dropped_attributes(self) -> int:
        return 0 if self._bounded is None else super().dropped_attributes

    @property
    def dropped_events(self) -> int:
        return 0 if self._bounded_events is None else super().dropped_events

    @property
    def dropped_links(self) -> int:
        return 0 if self._bounded_links is None else super().dropped_links


class FinishedSpan(SpanParts):
    """An ended span, as processors get it; the SDK gives them a ``ReadableSpan``."""


# Printed as the SDK's.
FinishedSpan.__module__, FinishedSpan.__qualname__ = ReadableSpan.__module__, ReadableSpan.__qualname__
FinishedSpan.__name__ = ReadableSpan.__name__

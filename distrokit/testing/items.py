"""Recorded telemetry as plain data, the same from memory and from a receiver.

Comparisons ignore what differs from run to run: ids, times and the resource. Lists have a fixed order, independent of
threads and exporters.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeAlias

#: Attributes by name; sequences are lists.
Attributes: TypeAlias = dict[str, Any]


class Item:
    """Base class; ``repr`` shows the fields that differ from their defaults, as Python source."""

    def __repr__(self) -> str:
        visible = (f for f in fields(self) if f.repr)  # type: ignore[arg-type]  # each is a dataclass
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in visible if not _has_default(self, f)]
        return f"{type(self).__name__}({', '.join(shown)})"


def _has_default(item: object, of: Field[Any]) -> bool:
    default = of.default if of.default_factory is MISSING else of.default_factory()
    return bool(getattr(item, of.name) == default)


@dataclass(frozen=True, repr=False)
class Scope(Item):
    """An instrumentation scope; both strings are empty if there is none."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, repr=False)
class Event(Item):
    """An event of a span.

    Attributes:
        time: nanoseconds since 1970; ignored in comparisons.
    """

    name: str
    attributes: Attributes = field(default_factory=dict)
    time: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Link(Item):
    """A link of a span.

    Attributes:
        trace_id, span_id: the linked span, hexadecimal; ignored in comparisons.
    """

    attributes: Attributes = field(default_factory=dict)
    trace_id: str = field(default="", compare=False, repr=False)
    span_id: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Span(Item):
    """A finished span that was exported.

    Attributes:
        kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
        parent: the name of its parent; ``None`` for a root, or if the parent was not exported (``parent_span_id``
            tells the two apart).
        status: ``unset``, ``ok`` or ``error``.
        status_message: the description of an ``error``.
        resource: of the process; ignored in comparisons, as is everything below.
        trace_id, span_id, parent_span_id: hexadecimal; ``parent_span_id`` is empty for a root.
        start, end: nanoseconds since 1970.
    """

    name: str
    kind: str = "internal"
    attributes: Attributes = field(default_factory=dict)
    scope: Scope = Scope()
    parent: str | None = None
    status: str = "unset"
    status_message: str = ""
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    resource: Attributes = field(default_factory=dict, compare=False, repr=False)
    trace_id: str = field(default="", compare=False, repr=False)
    span_id: str = field(default="", compare=False, repr=False)
    parent_span_id: str = field(default="", compare=False, repr=False)
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Metric(Item):
    """One series of a metric: its points with these attributes, as a backend would hold them.

    For a cumulative metric or a gauge this is the newest point; the points of a delta metric are summed. So the number
    of collections does not matter.

    Attributes:
        kind: ``sum``, ``gauge``, ``histogram``, ``exponential_histogram`` or ``summary``.
        value: of a sum or a gauge; the sum of the measurements of the others.
        count: number of measurements; 0 for a sum and a gauge.
        temporality: ``cumulative`` or ``delta``; empty for a gauge.
        monotonic: true for a sum that only grows.
        bounds, buckets: of a histogram: the upper bounds, and the counts, one more than bounds.
        minimum, maximum: of a histogram; ``None`` if not recorded.
        resource: of the process; ignored in comparisons, as is everything below.
        exemplars: the values of the newest point's exemplars.
    """

    name: str
    kind: str
    value: float = 0
    attributes: Attributes = field(default_factory=dict)
    unit: str = ""
    description: str = ""
    scope: Scope = Scope()
    count: int = 0
    temporality: str = ""
    monotonic: bool = False
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    resource: Attributes = field(default_factory=dict, compare=False, repr=False)
    exemplars: tuple[float, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Log(Item):
    """A log record.

    Attributes:
        severity: the severity text, such as ``INFO``; empty without one.
        severity_number: OpenTelemetry's number for it; 0 when unknown.
        span: the name of its span; ``None`` outside a span, or if the span was not exported.
        resource: of the process; ignored in comparisons, as is everything below.
        trace_id, span_id: hexadecimal; empty outside of a span.
        time: nanoseconds since 1970.
    """

    body: Any
    severity: str = ""
    severity_number: int = 0
    attributes: Attributes = field(default_factory=dict)
    event_name: str = ""
    scope: Scope = Scope()
    span: str | None = None
    resource: Attributes = field(default_factory=dict, compare=False, repr=False)
    trace_id: str = field(default="", compare=False, repr=False)
    span_id: str = field(default="", compare=False, repr=False)
    time: int = field(default=0, compare=False, repr=False)

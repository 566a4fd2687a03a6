"""What was recorded, as plain data: the same whether it was kept in memory or sent to a receiver.

Equality looks at what a program says, not at what differs from run to run: ids, times and the resource are fields that
do not count. Lists are in a fixed order, whatever thread or exporter was quicker.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeAlias

#: Attributes by name; sequences are lists.
Attributes: TypeAlias = dict[str, Any]


class Item:
    """Shown by what it has that is not empty, as one would write it."""

    def __repr__(self) -> str:
        given = (f for f in fields(self) if f.repr)  # type: ignore[arg-type]  # each is a dataclass
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in given if not _by_default(self, f)]
        return f"{type(self).__name__}({', '.join(shown)})"


def _by_default(item: object, of: Field[Any]) -> bool:
    default = of.default if of.default_factory is MISSING else of.default_factory()
    return bool(getattr(item, of.name) == default)


@dataclass(frozen=True, repr=False)
class Scope(Item):
    """An instrumentation scope; texts are empty where there is none."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, repr=False)
class Event(Item):
    """An event of a span.

    Attributes:
        time: nanoseconds since 1970; does not count in comparisons.
    """

    name: str
    attributes: Attributes = field(default_factory=dict)
    time: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Link(Item):
    """A link of a span.

    Attributes:
        trace_id, span_id: where it leads, hexadecimal; they do not count in comparisons.
    """

    attributes: Attributes = field(default_factory=dict)
    trace_id: str = field(default="", compare=False, repr=False)
    span_id: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, repr=False)
class Span(Item):
    """A span that ended, and was exported.

    Attributes:
        kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
        parent: the name of its parent; ``None`` for a root, and where the parent was not exported (``parent_span_id``
            tells the two apart).
        status: ``unset``, ``ok`` or ``error``.
        status_message: what goes with ``error``.
        resource: of the process; does not count in comparisons, nor does anything below.
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

    Of a cumulative metric and of a gauge that is the newest point; the points of a delta metric are added up. So it
    does not matter how often was collected.

    Attributes:
        kind: ``sum``, ``gauge``, ``histogram``, ``exponential_histogram`` or ``summary``.
        value: of a sum or a gauge; the sum of the measurements of the others.
        count: how many measurements; 0 for a sum and a gauge.
        temporality: ``cumulative`` or ``delta``; empty for a gauge.
        monotonic: of a sum: whether it only grows.
        bounds, buckets: of a histogram: the upper bounds, and how many measurements in each, one more than bounds.
        minimum, maximum: of a histogram; ``None`` where they are not recorded.
        resource: of the process; does not count in comparisons, nor does anything below.
        exemplars: the values of those that came with the newest point.
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
        severity: the text it has, such as ``INFO``; empty without one.
        severity_number: OpenTelemetry's number for it; 0 when unknown.
        span: the name of the span it belongs to; ``None`` outside of one, and where that was not exported.
        resource: of the process; does not count in comparisons, nor does anything below.
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

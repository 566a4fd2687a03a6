"""Collects the spans and log records of a trace, which arrive in any order, in several requests."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from distrokit_dev.received import Attributes, ReceivedLog, ReceivedSpan, service_of
from distrokit_dev.tail.typeface import as_text

#: Maximum characters kept of a name and of a message; the display is narrower.
_NAME, _MESSAGE = 300, 1000

#: Maximum characters kept of an id, twice the length of a valid one.
_ID = 64

#: Attributes of events and log records that are shown.
_SHOWN = ("exception.type", "exception.message")


@dataclass
class Part:
    """A trace, or a later part of a trace that was shown before.

    Attributes:
        trace_id: hexadecimal.
        spans: in order of arrival, without duplicates.
        logs: its log records, in order of arrival.
        left_out: number of spans and log records above the limit.
        before: names of the spans of earlier parts, by span id.
        continued: true if there was an earlier part.
        shown_before: true if an earlier part was shown; the filters may have hidden it.
        rooted: true if it has a span without a parent.
        opened, touched: arrival of its first and its last item, by the caller's clock.
        by_id: the spans, by span id.
    """

    trace_id: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    logs: list[ReceivedLog] = field(default_factory=list)
    left_out: int = 0
    before: dict[str, str] = field(default_factory=dict)
    continued: bool = False
    shown_before: bool = False
    rooted: bool = False
    opened: float = 0.0
    touched: float = 0.0
    by_id: dict[str, ReceivedSpan] = field(default_factory=dict)


class Traces:
    """Collects items until a trace is probably complete. Does no I/O; the caller provides the time.

    Args:
        quiet: seconds without new items after which a trace with its root is complete.
        quiet_without_root: seconds for a trace without its root, which may still arrive.
        longest: maximum seconds to collect a trace.
        max_open: maximum number of open traces; beyond it the trace longest without new items is returned.
        max_items: maximum number of spans and log records of one trace.
        max_items_of_all: maximum number for all open traces together.
    """

    def __init__(
        self,
        quiet: float = 0.5,
        quiet_without_root: float = 5.0,
        longest: float = 30.0,
        max_open: int = 1000,
        max_items: int = 2000,
        max_items_of_all: int = 50_000,
    ) -> None:
        self._quiet, self._quiet_without_root, self._longest = quiet, quiet_without_root, longest
        self._max_open, self._max_items, self._max_items_of_all = max_open, max_items, max_items_of_all
        # In both the latest is at the end.
        self._open: OrderedDict[str, Part] = OrderedDict()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._pushed_out: list[Part] = []
        self._items = 0

    def add(self, item: ReceivedSpan | ReceivedLog, now: float) -> None:
        """Add a span or a log record of a trace.

        Args:
            now: seconds of a monotonic clock.
        """
        part = self._part(item.trace_id[:_ID], now)
        part.touched = now
        if len(part.spans) + len(part.logs) >= self._max_items:
            part.left_out += 1
            return
        if isinstance(item, ReceivedLog):
            part.logs.append(_lean_log(item))
        else:
            span = _lean_span(item)
            # A duplicate: it was sent again because the response was late.
            if part.by_id.get(span.span_id) == span:
                return
            part.by_id[span.span_id] = span
            part.spans.append(span)
            part.rooted = part.rooted or not span.parent_span_id
        self._items += 1
        while len(self._open) > self._max_open or self._items > self._max_items_of_all:
            self._pushed_out.append(self._close(next(iter(self._open))))

    def complete(self, now: float) -> list[Part]:
        """Remove and return complete traces, in the order of their last items."""
        parts, self._pushed_out = self._pushed_out, []
        due = [trace_id for trace_id, part in self._open.items() if self._is_due(part, now)]
        return parts + [self._close(trace_id) for trace_id in due]

    def rest(self) -> list[Part]:
        """Remove and return all traces, complete or not."""
        parts, self._pushed_out = self._pushed_out, []
        return parts + [self._close(trace_id) for trace_id in list(self._open)]

    def remember(self, part: Part, *, shown: bool) -> None:
        """Note that a part was handled, so that later items continue it."""
        known = self._known.pop(part.trace_id, None) or _Known()
        known.shown = known.shown or shown
        for span in part.spans[: _Known.max_names - len(known.names)]:
            known.names[span.span_id] = span.name
        self._known[part.trace_id] = known
        while len(self._known) > _Known.max_traces:
            self._known.popitem(last=False)

    def _is_due(self, part: Part, now: float) -> bool:
        known = part.rooted or part.continued
        quiet = self._quiet if known else self._quiet_without_root
        return now - part.touched >= quiet or now - part.opened >= self._longest

    def _part(self, trace_id: str, now: float) -> Part:
        part = self._open.get(trace_id)
        if part is None:
            known = self._known.get(trace_id)
            part = Part(trace_id, opened=now)
            if known is not None:
                part.before, part.continued, part.shown_before = known.names, True, known.shown
            self._open[trace_id] = part
        self._open.move_to_end(trace_id)
        return part

    def _close(self, trace_id: str) -> Part:
        part = self._open.pop(trace_id)
        self._items -= len(part.spans) + len(part.logs)
        return part


@dataclass
class _Known:
    """A trace that was handled: names of its spans, and whether it was shown."""

    max_traces = 200
    max_names = 1000

    names: dict[str, str] = field(default_factory=dict)
    shown: bool = False


def _lean_span(span: ReceivedSpan) -> ReceivedSpan:
    """Return the span without data that is not shown, which may be large."""
    exceptions = [event for event in span.events if event.name == "exception"]
    return replace(
        span,
        resource=_service_only(span),
        span_id=span.span_id[:_ID],
        parent_span_id=span.parent_span_id[:_ID],
        name=span.name[:_NAME],
        status_message=span.status_message[:_MESSAGE],
        attributes={},
        # The last exception is the one that ended the span.
        events=tuple(replace(event, attributes=_shown_attributes(event.attributes)) for event in exceptions[-1:]),
    )


def _lean_log(log: ReceivedLog) -> ReceivedLog:
    return replace(
        log,
        resource=_service_only(log),
        trace_id=log.trace_id[:_ID],
        span_id=log.span_id[:_ID],
        severity=log.severity[:_NAME],
        body=as_text(log.body)[:_MESSAGE],
        attributes=_shown_attributes(log.attributes),
    )


def _service_only(item: ReceivedSpan | ReceivedLog) -> Attributes:
    return {"service.name": service_of(item)[:_NAME]}


def _shown_attributes(attributes: Attributes) -> Attributes:
    return {name: as_text(attributes[name])[:_MESSAGE] for name in _SHOWN if name in attributes}

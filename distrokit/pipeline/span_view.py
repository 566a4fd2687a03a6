"""Spans as late processors get them.

A late processor writes to the span that ``on_start`` gives it, and may keep it and read it when it has ended (MLflow
exports that one). So it gets a view: what it writes reaches the span, what it reads has passed the transforms. In
``on_end`` it gets a copy of its own, since some write to that, too, while exporters have it in their queues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy, deepcopy
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags

from distrokit.pipeline.recording.layout import SDKSpan
from distrokit.pipeline.spans import replace_span

#: Returns what the transforms make of a span; ``None`` if they drop it, or cannot tell yet.
Preview = Callable[[ReadableSpan], "ReadableSpan | None"]


def copy_for_late(span: ReadableSpan) -> ReadableSpan:
    """Return a copy of a finished span with attributes, events and links of its own, which may be changed."""
    attributes = BoundedAttributes(attributes=dict(span.attributes or {}), immutable=False)
    attributes.dropped = span.dropped_attributes
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[Event(event.name, dict(event.attributes or {}), event.timestamp) for event in span.events],
        links=[Link(link.context, dict(link.attributes or {})) for link in span.links],
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def empty_span(
    span: ReadableSpan,
    attributes: Mapping[str, Any] | None = None,
    scope: InstrumentationScope | None = None,
) -> ReadableSpan:
    """Return what is left of a span that the transforms drop: ids, kind and times, and not sampled.

    A processor gets it, so that it can clear what it keeps since ``on_start``.

    Args:
        attributes: those that the processor itself has set; ``None`` for none.
        scope: the library that records the span; ``None`` to leave it out.
    """
    context = span.get_span_context()
    if context is not None:
        context = SpanContext(
            context.trace_id, context.span_id, context.is_remote, TraceFlags(TraceFlags.DEFAULT), context.trace_state
        )
    return ReadableSpan(
        name="",
        context=context,
        parent=span.parent,
        resource=Resource.get_empty(),
        attributes=dict(attributes or {}),
        instrumentation_scope=scope,
        kind=span.kind,
        start_time=span.start_time,
        end_time=span.end_time,
    )


class SpanView(SDKSpan):  # type: ignore[misc]  # the SDK's class, as `isinstance` in other SDKs expects
    """A view of a running span.

    Whatever a finished span has is read from the span's present state after the transforms; if they drop it, or raise,
    it is empty. Everything else is the span's own. What is written after the end stays in the view.

    A transform may drop, or raise on, each span that has not ended yet, such as one that filters by duration. So the
    attributes that the processor itself sets in ``on_start`` can be read in any case: MLflow finds its spans by them.
    So can the scope, by which Langfuse knows its spans.

    Args:
        starting: true for ``on_start``; call :meth:`end_start` when it has returned.
    """

    def __init__(self, span: Any, preview: Preview, *, starting: bool = False) -> None:
        self.__dict__.update(_span=span, _preview=preview, _added={}, _seen=(None, None), _first={}, _starting=starting)

    def end_start(self) -> None:
        """Tell that ``on_start`` has returned: attributes that are set from now on are the application's."""
        self.__dict__["_starting"] = False

    def set_attribute(self, key: str, value: Any) -> None:
        self._note({key: value})
        self.__dict__["_span"].set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._note(attributes)
        self.__dict__["_span"].set_attributes(attributes)

    def _note(self, attributes: Mapping[str, Any]) -> None:
        own = self.__dict__
        if own["_starting"]:
            own["_first"].update(attributes)
            own["_seen"] = None, None

    def _readable_span(self) -> ReadableSpan:
        return self.look()

    def look(self) -> ReadableSpan:
        """Return the span's present state after the transforms."""
        own, span = self.__dict__, self.__dict__["_span"]
        attributes = {**_copy(span), **own["_added"]}
        state = (span.name, attributes, len(span.events), len(span.links), span.status, span.end_time)
        known, last = own["_seen"]
        if known != state:
            whole = replace_span(span, attributes=attributes) if own["_added"] else span
            last = own["_preview"](whole) or empty_span(span, own["_first"], span.instrumentation_scope)
            own["_seen"] = state, last
        seen: ReadableSpan = last
        return seen

    @property
    def _attributes(self) -> Any:
        return ViewedAttributes(self)

    @_attributes.setter
    def _attributes(self, attributes: Any) -> None:
        setattr(self.__dict__["_span"], "_attributes", attributes)  # noqa: B010  (a processor's own assignment, passed on)

    def __copy__(self) -> ReadableSpan:
        return copy(self.look())

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadableSpan:
        return deepcopy(self.look(), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.look().__reduce_ex__(protocol)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Protocols of Python, which would reach the span itself.
            raise AttributeError(name)
        finished = self.look()
        return getattr(finished if hasattr(finished, name) else self.__dict__["_span"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_span"], name, value)

    def get_span_context(self) -> SpanContext:
        return self.__dict__["_span"].get_span_context()  # type: ignore[no-any-return]


def _copy(span: Any) -> dict[str, Any]:
    """Return the attributes of a span; other threads may be adding some."""
    while True:
        try:
            return dict(span.attributes)
        except RuntimeError:
            # The dictionary has changed meanwhile.
            continue


class ViewedAttributes(MutableMapping[str, Any]):
    """The attributes of a view, as other SDKs write to them: by key, past the span's own methods (MLflow)."""

    dropped = 0

    def __init__(self, view: SpanView) -> None:
        self.__dict__["_view"] = view

    def _parts(self) -> tuple[Any, dict[str, Any]]:
        own = self.__dict__["_view"].__dict__
        return own["_span"], own["_added"]

    def _shown(self) -> Mapping[str, Any]:
        view: SpanView = self.__dict__["_view"]
        return view.look().attributes or {}

    def __getitem__(self, key: str) -> Any:
        return self._shown()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        span, added = self._parts()
        if span.is_recording():
            self.__dict__["_view"].set_attribute(key, value)
        else:
            # The exporters have the span already.
            added[key] = value

    def __delitem__(self, key: str) -> None:
        raise TypeError("attributes of a span cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown())

    def __len__(self) -> int:
        return len(self._shown())

    def __setattr__(self, name: str, value: Any) -> None:
        """Ignore flags of the SDK's class, such as the one that refuses changes after the end."""


def _delegate(name: str) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.__dict__["_span"], name)(*args, **kwargs)

    call.__name__, call.__doc__ = name, getattr(Span, name).__doc__
    return call


for _name in (
    "add_event", "add_link", "end", "is_recording", "record_exception", "set_status", "start", "update_name",
):  # fmt: skip
    setattr(SpanView, _name, _delegate(_name))

# Printed as the SDK's.
SpanView.__module__, SpanView.__qualname__, SpanView.__name__ = (
    SDKSpan.__module__,
    SDKSpan.__qualname__,
    SDKSpan.__name__,
)

"""Proxies and copies of spans, for late processors.

A late processor writes to the span that ``on_start`` gives it. It may keep that span, and read it when it has ended
(MLflow exports it). So it gets a proxy. What it writes reaches the span; what it reads has passed the transforms. In
``on_end`` it gets a copy, since some processors change that, while exporters have it in their queues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy, deepcopy
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceFlags

from distrokit.pipeline.recording.layout import SDKSpan
from distrokit.pipeline.spans import copy_span

#: Returns what the transforms make of a span; ``None`` if they drop it, or cannot tell yet.
Preview = Callable[[ReadableSpan], "ReadableSpan | None"]


def copy_for_late(span: ReadableSpan) -> ReadableSpan:
    """Return a copy of a finished span with attributes, events and links of its own, which may be changed."""
    attributes = BoundedAttributes(attributes=dict(span.attributes or {}), immutable=False)
    attributes.dropped = span.dropped_attributes
    return copy_span(
        span,
        attributes=attributes,
        events=[Event(event.name, dict(event.attributes or {}), event.timestamp) for event in span.events],
        links=[Link(link.context, dict(link.attributes or {})) for link in span.links],
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
    return copy_span(
        span,
        name="",
        context=context,
        resource=Resource.get_empty(),
        attributes=dict(attributes or {}),
        events=(),
        links=(),
        status=Status(),
        instrumentation_scope=scope,
    )


class SpanProxy(SDKSpan):  # type: ignore[misc]  # the SDK's class, as `isinstance` in other SDKs expects
    """A proxy of a running span.

    Reading an attribute that a finished span has returns it from the span's present state, after the transforms. If
    they drop the span or raise, the state is empty. All other attributes are the span's. What a processor writes after
    the end stays in the proxy.

    A transform may drop, or raise on, each span that has not ended yet, such as one that filters by duration. So the
    attributes that the processor itself sets in ``on_start`` can be read in any case: MLflow finds its spans by them.
    So can the scope, by which Langfuse knows its spans.

    Args:
        is_starting: true for ``on_start``; call :meth:`finish_start` when it has returned.
    """

    def __init__(self, span: Any, preview: Preview, *, is_starting: bool = False) -> None:
        own = self.__dict__
        own["_span"], own["_preview"], own["_is_starting"] = span, preview, is_starting
        # What the processor sets in `on_start`, and what it writes after the end.
        own["_own"], own["_after_end"] = {}, {}
        # The last state that was read, and what the transforms made of it.
        own["_cached"] = None, None

    def finish_start(self) -> None:
        """Note that ``on_start`` has returned: others may set attributes from now on."""
        self.__dict__["_is_starting"] = False

    def set_attribute(self, key: str, value: Any) -> None:
        self._remember({key: value})
        self.__dict__["_span"].set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._remember(attributes)
        self.__dict__["_span"].set_attributes(attributes)

    def _remember(self, attributes: Mapping[str, Any]) -> None:
        own = self.__dict__
        if own["_is_starting"]:
            own["_own"].update(attributes)
            own["_cached"] = None, None

    def _readable_span(self) -> ReadableSpan:
        return self.snapshot()

    def snapshot(self) -> ReadableSpan:
        """Return the span's present state after the transforms."""
        own, span = self.__dict__, self.__dict__["_span"]
        attributes = {**_copy(span), **own["_after_end"]}
        state = (span.name, attributes, len(span.events), len(span.links), span.status, span.end_time)
        known, last = own["_cached"]
        if known != state:
            whole = copy_span(span, attributes=attributes) if own["_after_end"] else span
            last = own["_preview"](whole) or empty_span(span, own["_own"], span.instrumentation_scope)
            own["_cached"] = state, last
        found: ReadableSpan = last
        return found

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self.snapshot().attributes or {}

    @property
    def _attributes(self) -> Any:
        return ProxyAttributes(self)

    def __copy__(self) -> ReadableSpan:
        return copy(self.snapshot())

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadableSpan:
        return deepcopy(self.snapshot(), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.snapshot().__reduce_ex__(protocol)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Protocols of Python, which would reach the span itself.
            raise AttributeError(name)
        finished = self.snapshot()
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


class ProxyAttributes(MutableMapping[str, Any]):
    """The attributes of a proxy, as other SDKs write to them: by key, past the span's own methods (MLflow)."""

    dropped = 0

    def __init__(self, proxy: SpanProxy) -> None:
        self.__dict__["_proxy"] = proxy

    def _parts(self) -> tuple[Any, dict[str, Any]]:
        own = self.__dict__["_proxy"].__dict__
        return own["_span"], own["_after_end"]

    def _snapshot(self) -> Mapping[str, Any]:
        proxy: SpanProxy = self.__dict__["_proxy"]
        return proxy.snapshot().attributes or {}

    def __getitem__(self, key: str) -> Any:
        return self._snapshot()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        span, added = self._parts()
        if span.is_recording():
            self.__dict__["_proxy"].set_attribute(key, value)
        else:
            # The exporters have the span already.
            added[key] = value

    def __delitem__(self, key: str) -> None:
        raise TypeError("attributes of a span cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot())

    def __len__(self) -> int:
        return len(self._snapshot())

    def copy(self) -> dict[str, Any]:
        """Return a dictionary of them, as the SDK's class does."""
        return dict(self._snapshot())

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
    setattr(SpanProxy, _name, _delegate(_name))

# Printed as the SDK's.
SpanProxy.__module__, SpanProxy.__qualname__, SpanProxy.__name__ = (
    SDKSpan.__module__,
    SDKSpan.__qualname__,
    SDKSpan.__name__,
)

"""The span that our tracer records: an SDK span that does the usual itself, and leaves the rest to the SDK's methods.

Most spans get a few attributes of plain types, and end. For these a plain dictionary is enough, without locks. Whatever
else is asked of a span (a value that must be converted, a limit that is reached, events, links, status) is done by the
SDK's own method, on the same data; so it does what the SDK of this release does, and patches of these methods count.

The specification requires that no call raises into the application (*Error handling*); the SDK raises on some values.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from copy import deepcopy
from time import time_ns
from typing import Any

from opentelemetry.sdk.trace import Event, Span, SpanLimits, SpanProcessor, Tracer
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanContext

from distrokit.pipeline.recording.attributes import PLAIN, EventAttributes, is_plain
from distrokit.pipeline.recording.parts import FinishedSpan, SpanParts
from distrokit.pipeline.sdk_methods import Misused, method_of

#: Attributes near their limit are left to the SDK, which locks: several threads may add one at the same time.
MARGIN = 16
_MISSING, _NO_LIMIT = object(), 1 << 62
#: Where these are no longer the SDK's, another library has patched them, and they are called.
_SET_ATTRIBUTE, _SET_ATTRIBUTES = Span.set_attribute, Span.set_attributes
_ADD_EVENT, _END = Span.add_event, Span.end


class SpanSettings:
    """What all spans of one tracer have in common.

    Args:
        tracer: the SDK's tracer.
        misused: receives each call that raised; the call then returns normally to the application.

    Attributes:
        most: the number of attributes up to which a span adds them itself.
        longest: the length limit of texts, in characters; ``None`` for none.
        most_of_events, longest_of_events: the same of an event's attributes.
    """

    __slots__ = ("info", "limits", "longest", "longest_of_events", "misused", "most", "most_of_events", "tracer")

    def __init__(self, tracer: Tracer, misused: Misused) -> None:
        self.tracer, self.misused = tracer, misused
        self.info = tracer.instrumentation_info
        self.limits: SpanLimits = tracer._span_limits  # checked by `layout`
        most, most_of_events = self.limits.max_span_attributes, self.limits.max_event_attributes
        self.most = _NO_LIMIT if most is None else most - MARGIN
        self.most_of_events = _NO_LIMIT if most_of_events is None else most_of_events
        self.longest, self.longest_of_events = (
            self.limits.max_span_attribute_length,
            self.limits.max_attribute_length,
        )


class RecordingSpan(SpanParts, Span):
    """A span of ours; :mod:`distrokit.pipeline.recording.tracer` makes it and sets its attributes."""

    _settings: SpanSettings
    #: Acquired by the call that ends the span, and never released: a span ends once, whatever interrupts that.
    _ending: threading.Lock
    _own_lock: Any
    _trace_config = None
    _record_end_metrics: Callable[[], None] | None = None
    _record_exception = _set_status_on_exception = True

    @property
    def _lock(self) -> Any:  # type: ignore[override]
        # Reentrant, unlike the SDK's: a signal handler may change the span that it has interrupted a change of.
        if self._own_lock is None:
            self._own_lock = threading.RLock()
        return self._own_lock

    @property
    def _limits(self) -> SpanLimits:  # type: ignore[override]
        return self._settings.limits

    @property
    def _sampler(self) -> Sampler:  # type: ignore[override]
        return self._settings.tracer.sampler

    @property
    def _instrumentation_info(self) -> Any:  # type: ignore[override]
        return self._settings.info

    def get_span_context(self) -> SpanContext:
        context: Any = self._context
        return context  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return a copy of what can be read of the span, without its tracer."""
        return deepcopy(self._readable_span(), memo)

    # ------------------------------------------------------------------------------ changing

    # Wrong arguments are the application's mistake, and do not raise either: `wrong` receives them.

    def set_attribute(self, key: Any = None, value: Any = _MISSING, *wrong: Any, **more: Any) -> None:
        settings, values = self._settings, self._values
        try:
            if (
                self._bounded is None
                and self._end_time is None
                and type(value) in PLAIN
                and not (wrong or more)
                and type(key) is str
                and key
                and len(values) < settings.most
                and Span.set_attribute is _SET_ATTRIBUTE
                and (settings.longest is None or type(value) is not str or len(value) <= settings.longest)
            ):
                # Like the SDK: an attribute that is set again becomes the last one.
                values.pop(key, None)
                values[key] = value
            else:
                given = (key,) if value is _MISSING else (key, value, *wrong)
                super().set_attribute(*given, **more)
        except Exception as error:
            settings.misused("span.set_attribute", error)

    def set_attributes(self, attributes: Any = None, *wrong: Any, **more: Any) -> None:
        settings, values = self._settings, self._values
        try:
            if (
                self._bounded is None
                and self._end_time is None
                and type(attributes) is dict
                and not (wrong or more)
                and len(values) + len(attributes) <= settings.most
                and is_plain(attributes, settings.longest)
                and Span.set_attributes is _SET_ATTRIBUTES
            ):
                for key in attributes:
                    values.pop(key, None)
                values.update(attributes)
            else:
                super().set_attributes(attributes, *wrong, **more)
        except Exception as error:
            settings.misused("span.set_attributes", error)

    def add_event(
        self, name: Any = _MISSING, attributes: Any = None, timestamp: int | None = None, *wrong: Any, **more: Any
    ) -> None:
        settings = self._settings
        try:
            if (
                self._end_time is None
                and (attributes is None or type(attributes) is dict)
                and len(attributes or ()) <= settings.most_of_events
                and is_plain(attributes or {}, settings.longest_of_events)
                and not (wrong or more or name is _MISSING)
                and Span.add_event is _ADD_EVENT
            ):
                values = EventAttributes(dict(attributes or {}), settings.limits)
                self._events.append(Event(name, values, timestamp))
            else:
                given: Any = () if name is _MISSING else (name, attributes, timestamp, *wrong)
                super().add_event(*given, **more)
        except Exception as error:
            settings.misused("span.add_event", error)

    def end(self, end_time: int | None = None, *wrong: Any, **more: Any) -> None:
        settings = self._settings
        try:
            if Span.end is not _END or wrong or more:
                super().end(end_time, *wrong, **more)
                return
            if not self._ending.acquire(blocking=False):
                if self._end_time is not None:
                    # Logs what the SDK logs.
                    super().end(end_time)
                return
            self._end_time = time_ns() if end_time is None else end_time
            if self._bounded is None:
                # A thread that is adding an attribute at this moment adds it to the other one, which nobody reads.
                self._values = self._values.copy()
            else:
                self._bounded._immutable = True
            if self._record_end_metrics is not None:
                self._record_end_metrics()
            processor: SpanProcessor = self._span_processor
            processor._on_ending(self)
            processor.on_end(self._readable_span())
        except Exception as error:
            settings.misused("span.end", error)

    def _readable_span(self) -> FinishedSpan:
        span = object.__new__(FinishedSpan)
        span._name, span._context, span._parent, span._kind = self._name, self._context, self._parent, self._kind
        span._status, span._resource, span._limits = self._status, self._resource, self._settings.limits
        span._instrumentation_scope, span._instrumentation_info = (
            self._instrumentation_scope,
            self._settings.info,
        )
        span._start_time, span._end_time = self._start_time, self._end_time
        span._values, span._bounded = self._values, self._bounded
        span._bounded_events, span._bounded_links = self._bounded_events, self._bounded_links
        return span


def _contain(name: str) -> Callable[..., Any]:
    """Return the SDK's method, as it is when it is called, with its exceptions reported and not raised."""

    @functools.wraps(getattr(Span, name))
    def contained(self: RecordingSpan, *args: Any, **kwargs: Any) -> Any:
        try:
            return method_of(Span, name, self)(*args, **kwargs)
        except Exception as error:
            self._settings.misused(f"span.{name}", error)
            return None

    return contained


for _name in ("add_link", "record_exception", "set_status", "update_name"):
    setattr(RecordingSpan, _name, _contain(_name))

# Printed as the SDK's.
RecordingSpan.__module__, RecordingSpan.__qualname__, RecordingSpan.__name__ = Span.__module__, "_Span", "_Span"

"""The span that our tracer records: an SDK span that does the usual itself, and leaves the rest to the SDK's methods.

Most spans get a few attributes of plain types, and end. For these a plain dictionary is enough. Whatever else is asked
of a span (a value that must be converted, a limit that is reached, links, status) is done by the SDK's own method, on
the same data; so it does what the SDK of this release does, and patches of these methods count.

The specification requires that no call raises into the application (*Error handling*); the SDK raises on some values.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from operator import attrgetter
from time import time_ns
from typing import Any

from opentelemetry.sdk.trace import Event, SpanLimits, SpanProcessor, Tracer
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanContext

from distrokit.pipeline.recording.attributes import PLAIN, EventAttributes, is_plain
from distrokit.pipeline.recording.layout import SDKSpan
from distrokit.pipeline.recording.parts import FinishedSpan, SpanParts
from distrokit.pipeline.sdk_methods import Misused, contain

#: Attributes near their limit are added with the lock: several threads may add one at the same time.
MARGIN = 16
_MISSING, _NO_LIMIT = object(), 1 << 62
#: Where these are no longer the SDK's, another library has patched them, and they are called.
_SET_ATTRIBUTE, _SET_ATTRIBUTES = SDKSpan.set_attribute, SDKSpan.set_attributes
_ADD_EVENT, _END = SDKSpan.add_event, SDKSpan.end


class SpanSettings:
    """The parts that all spans of one tracer share.

    Args:
        tracer: the SDK's tracer.
        misused: receives each call that raised; the call then returns normally to the application.

    Attributes:
        most: the limit of the number of attributes.
        longest: the length limit of texts, in characters; ``None`` for none.
        most_of_events, longest_of_events: the same of an event's attributes.
    """

    __slots__ = ("info", "limits", "longest", "longest_of_events", "misused", "most", "most_of_events", "tracer")

    def __init__(self, tracer: Tracer, misused: Misused) -> None:
        self.tracer, self.misused = tracer, misused
        self.info = tracer.instrumentation_info
        self.limits: SpanLimits = tracer._span_limits  # checked by `layout`
        most, most_of_events = self.limits.max_span_attributes, self.limits.max_event_attributes
        self.most = _NO_LIMIT if most is None else most
        self.most_of_events = _NO_LIMIT if most_of_events is None else most_of_events
        self.longest, self.longest_of_events = (
            self.limits.max_span_attribute_length,
            self.limits.max_attribute_length,
        )


class RecordingSpan(SpanParts, SDKSpan):  # type: ignore[misc]
    """A span of ours; :mod:`distrokit.pipeline.recording.tracer` makes it and sets its attributes.

    Changes hold its lock, but for a new attribute far from the limit. The lock is reentrant, unlike the SDK's: a signal
    handler may change the span that it has interrupted a change of.
    """

    _settings: SpanSettings
    _trace_config = None
    _record_end_metrics: Callable[[], None] | None = None
    _record_exception = _set_status_on_exception = True
    #: True when a call has begun to give the span to the processors.
    _is_finished = False

    @property
    def _sampler(self) -> Sampler:
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

    # Wrong arguments are the application's mistake, and do not raise either: `wrong` and `more` receive them.

    def set_attribute(self, key: Any = None, value: Any = _MISSING, *wrong: Any, **more: Any) -> None:
        settings, values = self._settings, self._values
        try:
            if (
                type(value) in PLAIN
                and type(key) is str
                and key
                and not (wrong or more)
                and SDKSpan.set_attribute is _SET_ATTRIBUTE
                and (settings.longest is None or type(value) is not str or len(value) <= settings.longest)
            ):
                if (
                    self._bounded is None
                    and self._end_time is None
                    and key not in values
                    and len(values) < settings.most - MARGIN
                ):
                    # Without the lock. If the span ends at this moment, nobody reads this dictionary any more.
                    values[key] = value
                    return
                if self._add({key: value}):
                    return
            given = (key,) if value is _MISSING else (key, value, *wrong)
            super().set_attribute(*given, **more)
        except Exception as error:
            settings.misused("span.set_attribute", error)

    def set_attributes(self, attributes: Any = None, *wrong: Any, **more: Any) -> None:
        settings = self._settings
        try:
            if (
                type(attributes) is dict
                and is_plain(attributes, settings.longest)
                and not (wrong or more)
                and SDKSpan.set_attributes is _SET_ATTRIBUTES
                and self._add(attributes)
            ):
                return
            super().set_attributes(attributes, *wrong, **more)
        except Exception as error:
            settings.misused("span.set_attributes", error)

    def _add(self, attributes: dict[str, Any]) -> bool:
        """Add plain attributes; false if that is the SDK's task, as it is at the limit and after the end."""
        with self._lock:
            values = self._values
            if self._bounded is not None or self._end_time is not None:
                return False
            if len(values) + len(attributes) > self._settings.most:
                return False
            # Like the SDK: an attribute that is set again becomes the last one.
            for key in attributes:
                values.pop(key, None)
            values.update(attributes)
            # A signal handler may have added others between these lines. At the limit the SDK drops the oldest, too.
            while len(values) > self._settings.most:
                del values[next(iter(values))]
                self._attributes.dropped += 1
            return True

    def add_event(
        self, name: Any = _MISSING, attributes: Any = None, timestamp: int | None = None, *wrong: Any, **more: Any
    ) -> None:
        settings = self._settings
        try:
            if (
                (attributes is None or type(attributes) is dict)
                and len(attributes or ()) <= settings.most_of_events
                and is_plain(attributes or {}, settings.longest_of_events)
                and not (wrong or more or name is _MISSING)
                and SDKSpan.add_event is _ADD_EVENT
            ):
                event = Event(name, EventAttributes(dict(attributes or {}), settings.limits), timestamp)
                with self._lock:
                    if self._end_time is None:
                        self._events.append(event)
                        return
            given: Any = (name, attributes, timestamp, *wrong) if wrong else () if name is _MISSING else (name,)
            if not wrong:
                optional = {"attributes": attributes, "timestamp": timestamp}
                more.update({key: value for key, value in optional.items() if value is not None})
            super().add_event(*given, **more)
        except Exception as error:
            settings.misused("span.add_event", error)

    def end(self, end_time: int | None = None, *wrong: Any, **more: Any) -> None:
        settings = self._settings
        try:
            if SDKSpan.end is not _END or wrong or more or self._end_time is not None:
                super().end(*(() if end_time is None else (end_time,)), *wrong, **more)
            elif self._finish(time_ns() if end_time is None else end_time):
                if self._record_end_metrics is not None:
                    self._record_end_metrics()
                processor: SpanProcessor = self._span_processor
                processor._on_ending(self)
                processor.on_end(self._readable_span())
        except Exception as error:
            settings.misused("span.end", error)

    def _finish(self, end_time: int) -> bool:
        """Set the end; false if another call has done so meanwhile."""
        with self._lock:
            if self._end_time is not None:
                return False
            self._end_time = end_time
            # A signal handler may have ended the span between these lines.
            if self._is_finished:
                return False
            self._is_finished = True
            if self._bounded is None:
                # A thread that is adding an attribute without the lock adds it to the other one.
                self._values = self._values.copy()
            else:
                self._bounded._immutable = True
            return True

    def _readable_span(self) -> FinishedSpan:
        span = object.__new__(FinishedSpan)
        span._name, span._context, span._parent, span._kind = self._name, self._context, self._parent, self._kind
        span._status, span._resource, span._limits = self._status, self._resource, self._limits
        span._instrumentation_scope, span._instrumentation_info = self._instrumentation_scope, self._settings.info
        span._start_time, span._end_time, span._values = self._start_time, self._end_time, self._values
        if self._bounded is not None:
            span._bounded = self._bounded
        if self._bounded_events is not None:
            span._bounded_events = self._bounded_events
        if self._bounded_links is not None:
            span._bounded_links = self._bounded_links
        return span


for _name in ("add_link", "record_exception", "set_status", "update_name"):
    setattr(RecordingSpan, _name, contain(SDKSpan, _name, attrgetter("_settings.misused")))

# Printed as the SDK's.
RecordingSpan.__module__, RecordingSpan.__qualname__ = SDKSpan.__module__, SDKSpan.__qualname__
RecordingSpan.__name__ = SDKSpan.__name__

"""The private names of the SDK that a span of ours shares with the SDK's methods, and the check for them.

A span of ours is given to the SDK's own methods, and to patches of them by other libraries. Therefore it has the
attributes that they read. A release that has others, or a library that had patched a method before, is served by the
SDK's own tracer.
"""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry import trace as trace_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, Tracer
from opentelemetry.sdk.trace.sampling import ParentBased, StaticSampler
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from distrokit.pipeline.known_code import is_own

#: The class of the SDK's own spans. Examples and tests of applications use this name.
SDKSpan: Any = getattr(trace, "_Span", Span)
#: The attributes of an SDK span.
SPAN = frozenset(
    {
        "_attributes", "_context", "_end_time", "_events", "_instrumentation_info", "_instrumentation_scope", "_kind",
        "_limits", "_links", "_lock", "_name", "_parent", "_record_end_metrics", "_record_exception", "_resource",
        "_sampler", "_set_status_on_exception", "_span_processor", "_start_time", "_status", "_trace_config",
    }
)  # fmt: skip
_TRACER = ("_instrumentation_scope", "_is_enabled", "_span_limits", "_tracer_metrics")
_LIMITS = (
    "max_attribute_length", "max_event_attributes", "max_events", "max_links", "max_span_attribute_length",
    "max_span_attributes",
)  # fmt: skip
#: The methods of a span that ours replace; each looks for a patch when it is called.
_CHANGING = (SDKSpan.add_event, SDKSpan.end, SDKSpan.set_attribute, SDKSpan.set_attributes)
#: The modules of these methods; the second makes context managers of generators.
_MODULES = ("opentelemetry.sdk.trace", "opentelemetry.util._decorator")


class _Probe(SDKSpan):  # type: ignore[misc]
    """A span of this release, for its attributes."""


def is_known(tracer: Tracer) -> bool:
    """Tell whether this tracer and the SDK's spans have the names that ours use, and no methods that were patched."""
    try:
        probe = _Probe("", INVALID_SPAN_CONTEXT, resource=Resource.get_empty(), limits=SpanLimits())
    except Exception:
        return False
    return (
        type(tracer) is Tracer
        and vars(probe).keys() == SPAN
        and all(hasattr(tracer, name) for name in _TRACER)
        and all(hasattr(tracer._span_limits, name) for name in _LIMITS)  # listed above
        and {"_dict", "_immutable", "_lock", "dropped"} <= vars(BoundedAttributes()).keys()
        and {"_lock", "dropped"} <= vars(BoundedList(1)).keys()
        and all(map(_is_of_the_sdk, (*starting_methods(), *current_span_methods(), *_CHANGING)))
    )


def _is_of_the_sdk(method: Any) -> bool:
    function = method.fget if isinstance(method, property) else method
    return any(is_own(function, module) for module in _MODULES)


def starting_methods() -> tuple[Any, ...]:
    """Return the SDK's methods that a span of ours replaces from its start; other libraries may patch them any time."""
    return (
        SDKSpan.__init__, SDKSpan.start, SDKSpan._readable_span, SDKSpan.get_span_context, ReadableSpan.__init__,
        ReadableSpan.attributes, ReadableSpan.events, ReadableSpan.links, Tracer.start_span,
        ParentBased.should_sample, StaticSampler.should_sample,
    )  # fmt: skip


def current_span_methods() -> tuple[Any, ...]:
    """Return the functions that our ``start_as_current_span`` replaces, as :func:`starting_methods` does."""
    return Tracer.start_as_current_span, trace_api.use_span


def make_reentrant(bounded: Any) -> Any:
    """Give the SDK's own list or attributes a reentrant lock; return the same object.

    A signal handler or finalizer may change the span that it has interrupted a change of.
    """
    bounded._lock = threading.RLock()
    return bounded

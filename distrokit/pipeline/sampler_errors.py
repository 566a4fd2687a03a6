"""Errors of samplers and id generators: find the part that raised, and start the span without it.

``start_span`` calls both, so their exceptions look like the application's mistake. A wrapper would slow down every span
by some per cent. So they are not wrapped: a span that could not be started is started again by a copy of its tracer in
which both are watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import Any

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import Link, get_current_span

from distrokit.pipeline.transforms import ErrorReporter

#: Returns the name of a part for reports; an empty string for an object that is not a part.
NameOf = Callable[[object], str]


class SamplerErrors:
    """Error reports for the samplers and id generators of one pipeline's tracers.

    Args:
        name_of: returns a part's name; knows samplers inside other samplers, too.
        report: receives each part that raised.
    """

    def __init__(self, name_of: NameOf, report: ErrorReporter) -> None:
        self._name_of, self._report = name_of, report

    def watch(self, tracer: Any) -> Any:
        """Return a copy of the tracer that tolerates errors of sampler and id generator; itself if it has neither."""
        if not hasattr(tracer, "sampler") or not hasattr(tracer, "id_generator"):
            return tracer
        tracer_copy = copy(tracer)
        tracer_copy.sampler = _WatchedSampler(tracer.sampler, self._failed)
        tracer_copy.id_generator = _WatchedIdGenerator(tracer.id_generator, self._failed)
        return tracer_copy

    def _failed(self, part: Any, kind: str, error: Exception, outcome: str) -> None:
        name = self._name_from_traceback(error.__traceback__) or self._name_of(part) or f"{kind} {type(part).__name__}"
        self._report(name, error, outcome)

    def _name_from_traceback(self, trace: TracebackType | None) -> str:
        """Return the name of the innermost part in the traceback; an empty string if there is none."""
        name = ""
        while trace is not None:
            name = self._name_of(trace.tb_frame.f_locals.get("self")) or name
            trace = trace.tb_next
        return name


_ReportFailure = Callable[[Any, str, Exception, str], None]


class _WatchedSampler:
    def __init__(self, part: Any, failed: _ReportFailure) -> None:
        self._part, self._failed = part, failed

    def should_sample(
        self, parent_context: Any, trace_id: int, name: Any, kind: Any = None, attributes: Any = None, links: Any = None
    ) -> SamplingResult:
        try:
            result = self._part.should_sample(parent_context, trace_id, name, kind, attributes, links)
            if isinstance(result, SamplingResult):
                return result
            raise TypeError(f"should_sample() returned {type(result).__name__}, not SamplingResult")
        except Exception as error:
            if not _has_valid_types(name, attributes, links):
                # The SDK's own samplers raise on these, too: the application's mistake.
                raise
            self._failed(self._part, "sampler", error, "spans that it fails on are not recorded")
        # The trace continues with its ids and the trace state that other services set.
        parent = get_current_span(parent_context).get_span_context()
        return SamplingResult(Decision.DROP, trace_state=parent.trace_state if parent.is_valid else None)


def _has_valid_types(name: object, attributes: object, links: object) -> bool:
    """True if a span's name, attributes and links have the types that the API requires."""
    return (
        isinstance(name, str)
        and (attributes is None or (isinstance(attributes, Mapping) and all(map(_is_plain, attributes.values()))))
        and (links is None or (isinstance(links, Sequence) and all(isinstance(link, Link) for link in links)))
    )


def _is_plain(value: object) -> bool:
    values = value if isinstance(value, (list, tuple)) else (value,)
    return all(isinstance(item, (str, bool, int, float, bytes, type(None))) for item in values)


class _WatchedIdGenerator:
    def __init__(self, part: Any, failed: _ReportFailure) -> None:
        self._part, self._failed = part, failed
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return self._make_id(self._part.generate_trace_id, 128) or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return self._make_id(self._part.generate_span_id, 64) or self._random.generate_span_id()

    def is_trace_id_random(self) -> bool:
        try:
            return bool(self._part.is_trace_id_random())
        except Exception as error:
            self._failed(self._part, "id generator", error, "its trace ids are not marked as random")
            return False

    def _make_id(self, make: Callable[[], Any], bits: int) -> int:
        """Return an id; 0 after an error, which is reported."""
        try:
            result = make()
            if isinstance(result, int) and 0 < result < 1 << bits:
                return result
            raise ValueError(f"{make.__name__}() returned {result!r}, which is not a {bits}-bit id")
        except Exception as error:
            self._failed(self._part, "id generator", error, "a random id is used instead")
            return 0

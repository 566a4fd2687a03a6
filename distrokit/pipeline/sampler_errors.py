"""Samplers and id generators that raise: they cost a decision, or an id, and are named.

Both are called in the middle of ``start_span``, so what they raise looks like a mistake of the application's call. A
wrapper around them would cost every span some per cent. So nothing stands in their way: when a span could not be
started, it is started once more by a copy of its tracer in which they are watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import Any

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import Link, get_current_span

from distrokit.pipeline.stages import Report

#: What a part is called in a report; it is asked for any object, and answers with an empty text for what is no part.
NameOf = Callable[[object], str]


class SamplerErrors:
    """Watches the sampler and the id generator of one pipeline's tracers.

    Args:
        name_of: tells whose fault it is; of a sampler inside another one as well.
        report: told when one raised.
    """

    def __init__(self, name_of: NameOf, report: Report) -> None:
        self._name_of, self._report = name_of, report

    def watched(self, tracer: Any) -> Any:
        """A copy of the tracer that starts a span whatever its sampler and id generator do; itself if it has none."""
        if not hasattr(tracer, "sampler") or not hasattr(tracer, "id_generator"):
            return tracer
        twin = copy(tracer)
        twin.sampler = _Sampler(tracer.sampler, self._failed)
        twin.id_generator = _Ids(tracer.id_generator, self._failed)
        return twin

    def _failed(self, part: Any, kind: str, error: Exception, outcome: str) -> None:
        name = self._raised(error.__traceback__) or self._name_of(part) or f"{kind} {type(part).__name__}"
        self._report(name, error, outcome)

    def _raised(self, trace: TracebackType | None) -> str:
        """The innermost part among those that the error passed through; empty where it is in no method of one."""
        name = ""
        while trace is not None:
            name = self._name_of(trace.tb_frame.f_locals.get("self")) or name
            trace = trace.tb_next
        return name


_Failed = Callable[[Any, str, Exception, str], None]


class _Sampler:
    def __init__(self, part: Any, failed: _Failed) -> None:
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
            if not _can_be_looked_at(name, attributes, links):
                # The SDK's own samplers raise on these as well: that is the application's mistake.
                raise
            self._failed(self._part, "sampler", error, "a span that it cannot decide about is not recorded")
        # The trace goes on, with its ids and with what others have written into its state.
        parent = get_current_span(parent_context).get_span_context()
        return SamplingResult(Decision.DROP, trace_state=parent.trace_state if parent.is_valid else None)


def _can_be_looked_at(name: object, attributes: object, links: object) -> bool:
    """Whether a span's name, attributes and links are what the API says they are."""
    return (
        isinstance(name, str)
        and (attributes is None or (isinstance(attributes, Mapping) and all(map(_is_plain, attributes.values()))))
        and (links is None or (isinstance(links, Sequence) and all(isinstance(link, Link) for link in links)))
    )


def _is_plain(value: object) -> bool:
    values = value if isinstance(value, (list, tuple)) else (value,)
    return all(isinstance(item, (str, bool, int, float, bytes, type(None))) for item in values)


class _Ids:
    def __init__(self, part: Any, failed: _Failed) -> None:
        self._part, self._failed = part, failed
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return self._made(self._part.generate_trace_id, 128) or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return self._made(self._part.generate_span_id, 64) or self._random.generate_span_id()

    def is_trace_id_random(self) -> bool:
        try:
            return bool(self._part.is_trace_id_random())
        except Exception as error:
            self._failed(self._part, "id generator", error, "its trace ids count as not random")
            return False

    def _made(self, make: Callable[[], Any], bits: int) -> int:
        """An id; 0 for none, which has been reported."""
        try:
            made = make()
            if isinstance(made, int) and 0 < made < 1 << bits:
                return made
            raise ValueError(f"{make.__name__}() returned {made!r}, which is no id of {bits} bits")
        except Exception as error:
            self._failed(self._part, "id generator", error, "a random id is used instead")
            return 0

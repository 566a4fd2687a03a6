"""A sampler that drops whole traces by route or by the name of their first span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from distrokit_guard.globs import match_globs

#: Attributes with the path of a request (semantic conventions, *HTTP spans*; the last one before 1.21).
_PATHS = ("url.path", "http.route", "http.target")


class QuietSampler(Sampler):
    """Drops a trace if the first span that it has in this process matches; asks another sampler about the others.

    A span whose parent in this process is not sampled is dropped, too, so that no part of a dropped trace is exported.

    Args:
        inner: the other sampler.
        routes: patterns of the path of a request, without its query.
        spans: patterns of the span's name.
    """

    #: The inner sampler may: distrokit has wrapped it by itself.
    records_nothing = True

    def __init__(self, inner: Sampler, routes: Sequence[str], spans: Sequence[str]) -> None:
        self._inner = inner
        self._has_routes = bool(routes)
        self._is_quiet_route, self._is_quiet_span = match_globs(routes), match_globs(spans)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        if parent.is_valid and not parent.is_remote:
            quiet = not parent.trace_flags.sampled
        else:
            quiet = bool(self._is_quiet_span(name)) or self._is_quiet_request(attributes)
        if quiet:
            return SamplingResult(Decision.DROP, trace_state=parent.trace_state)
        return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def _is_quiet_request(self, attributes: Attributes) -> bool:
        if not self._has_routes or not attributes:
            return False
        found: list[Any] = [attributes.get(key) for key in _PATHS]
        return any(self._is_quiet_route(path.partition("?")[0]) for path in found if isinstance(path, str))

    def get_description(self) -> str:
        return f"Quiet{{{self._inner.get_description()}}}"

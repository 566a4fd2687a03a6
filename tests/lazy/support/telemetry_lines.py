"""Turns received OTLP requests into lines that two runs of one program share: names and structure, no ids and no times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from http_peer import HTTPPeer
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp_items import SERVICES, plain

#: Its metrics depend on the machine and on the moment.
SYSTEM_METRICS = "opentelemetry.instrumentation.system_metrics"


def telemetry_lines(peer: HTTPPeer) -> dict[str, list[str]]:
    """Everything that arrived, by part: ``spans``, ``metrics``, ``logs``, and ``resource`` with its keys."""
    spans, metrics, logs = (list(_leaves(peer, signal)) for signal in ("traces", "metrics", "logs"))
    names = {span.span_id: span.name for _, span in spans}
    return {
        "spans": [_describe_span(scope, span, names) for scope, span in spans],
        "metrics": list({f"{scope}: {metric.name}" for scope, metric in metrics if scope != SYSTEM_METRICS}),
        "logs": [_describe_log(scope, record) for scope, record in logs],
        "resource": list(_resource_keys(peer)),
    }


def _leaves(peer: HTTPPeer, signal: str) -> Iterator[tuple[str, Any]]:
    """The name of its scope with each span, metric or log record."""
    return (
        (scoped.scope.name, leaf)
        for _, scoped in _scopes(peer, signal)
        for leaf in getattr(scoped, SERVICES[signal].levels[2])
    )


def _scopes(peer: HTTPPeer, signal: str) -> Iterator[tuple[Any, Any]]:
    """The group of its resource with each scope."""
    groups, scopes, _ = SERVICES[signal].levels
    for request in peer.ledger.requests:
        if request.signal == signal and request.accepted:
            for group in getattr(request.message, groups):
                for scoped in getattr(group, scopes):
                    yield group, scoped


def _describe_span(scope: str, span: Span, names: dict[bytes, str]) -> str:
    parent = repr(names.get(span.parent_span_id, "a span of elsewhere")) if span.parent_span_id else "no span"
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    status = Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_")
    events = ", ".join(event.name for event in span.events)
    return f"{kind} {span.name!r} of {scope} in {parent}, {status}, {_keys(span.attributes)} ({events})"


def _describe_log(scope: str, record: Any) -> str:
    traced = "in a trace" if record.trace_id else "in no trace"
    return f"{record.severity_text} {plain(record.body)!r} of {scope} {traced}, {_keys(record.attributes)}"


def _keys(pairs: Iterable[Any]) -> str:
    return "[{}]".format(" ".join(sorted(pair.key for pair in pairs)))


def _resource_keys(peer: HTTPPeer) -> set[str]:
    return {
        pair.key
        for signal in SERVICES
        for group, scope in _scopes(peer, signal)
        if scope.scope.name != SYSTEM_METRICS
        for pair in group.resource.attributes
    }

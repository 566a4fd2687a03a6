"""Applies policies to requests in OTLP/JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from distrokit_policy.engine.compiling import Compiled, LogPolicies, MetricPolicies, SpanPolicies
from distrokit_policy.engine.policies import Policy
from distrokit_policy.engine.statistics import Statistics
from distrokit_policy.engine.tracestate import encode_threshold, set_threshold
from distrokit_policy.otlp_json.fields import (
    JSONAccess,
    Owner,
    data_points,
    make_item,
    make_owner,
    make_points,
    with_points,
)
from distrokit_policy.otlp_json.values import encode_attributes

#: Of each signal: the name of its resources, scopes and items.
SHAPES = {
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "traces": ("resourceSpans", "scopeSpans", "spans"),
}


def _ignore(_decision: dict[str, Any]) -> None:
    """Do nothing with a decision."""


class NotOTLPError(ValueError):
    """Data that are no request in OTLP/JSON."""


class RequestPolicies:
    """Policies for requests.

    Args:
        policies: of any signals.
    """

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.statistics = Statistics()
        access, every = JSONAccess(), [*policies]
        self._logs = LogPolicies([p for p in every if p.signal == "logs"], access, self.statistics)
        self._metrics = MetricPolicies([p for p in every if p.signal == "metrics"], access, self.statistics)
        self._decided: Callable[[dict[str, Any]], object] = _ignore
        self._spans = SpanPolicies([p for p in every if p.signal == "traces"], access, self.statistics)

    def forked(self) -> None:
        """Begin new windows of rates."""
        self._logs.forked()

    def apply(self, request: Any, decided: Callable[[dict[str, Any]], object] = _ignore) -> dict[str, Any]:
        """Return what is left of a request.

        Args:
            decided: receives for each item that policies match: ``item`` (its name or body), ``outcome`` (``kept`` or
                ``dropped``; of a metric also ``kept in part``) and ``policies``, their ids.

        Raises:
            NotOTLPError: it is no request.
        """
        if not isinstance(request, Mapping) or not any(shape[0] in request for shape in SHAPES.values()):
            raise NotOTLPError("there is none of " + ", ".join(shape[0] for shape in SHAPES.values()))
        self._decided = decided
        result: dict[str, Any] = copy.deepcopy(dict(request))
        try:
            for signal, (resources, scopes, items) in SHAPES.items():
                if resources in result:
                    kept = [self._resource(each, signal, scopes, items) for each in result[resources] or ()]
                    result[resources] = [each for each in kept if each[scopes]]
        except (AttributeError, KeyError, TypeError, ValueError, StopIteration) as error:
            raise NotOTLPError(f"{type(error).__name__}: {error}") from None
        return result

    def _resource(self, part: dict[str, Any], signal: str, scopes: str, items: str) -> dict[str, Any]:
        resource = make_owner(part, "resource")
        kept = [self._scope(each, signal, items, resource) for each in part.get(scopes) or ()]
        left = {**part, scopes: [each for each in kept if each[items]]}
        return _with_attributes(left, "resource", resource)

    def _scope(self, part: dict[str, Any], signal: str, items: str, resource: Owner) -> dict[str, Any]:
        scope = make_owner(part, "scope")
        apply = {"logs": self._log, "metrics": self._metric, "traces": self._span}[signal]
        results = (apply(each, resource, scope) for each in part.get(items) or ())
        left = {**part, items: [result for result in results if result is not None]}
        return _with_attributes(left, "scope", scope)

    def _log(self, data: dict[str, Any], resource: Owner, scope: Owner) -> dict[str, Any] | None:
        item = make_item(data, resource, scope)
        name = json.dumps(data.get("body") or data.get("eventName") or "")
        matched = self._logs.match(item)
        kept = self._logs.apply_matched(matched, item)
        self._tell(f"log record {name:.80}", matched, "kept" if kept else "dropped")
        if not kept:
            return None
        return {**item.data, "attributes": encode_attributes(item.attributes)}

    def _metric(self, data: dict[str, Any], resource: Owner, scope: Owner) -> dict[str, Any] | None:
        items = make_points(data, resource, scope)
        keeps = self._metrics.apply(items)
        matched = {each.order: each for item in items for each in self._metrics.match(item)}
        outcome = "kept" if all(keeps) else "kept in part" if any(keeps) else "dropped"
        self._tell(f"metric {data.get('name', '')}", [*matched.values()], outcome)
        if all(keeps):
            return data
        points = [point for point, kept in zip(data_points(data), keeps, strict=False) if kept]
        return with_points(data, points) if points else None

    def _span(self, data: dict[str, Any], resource: Owner, scope: Owner) -> dict[str, Any] | None:
        item = make_item(data, resource, scope)
        matched = self._spans.match(item)
        if not matched:
            return data
        winner, sampled = self._spans.decide(matched, item)
        self._spans.count(matched, winner, kept=sampled.kept)
        self._tell(f"span {data.get('name', '')}", matched, "kept" if sampled.kept else "dropped")
        if not sampled.kept:
            return None
        if sampled.threshold is None:
            return data
        text = encode_threshold(sampled.threshold, winner.policy.keep.precision)
        return {**data, "traceState": set_threshold(data.get("traceState") or "", text)}

    def _tell(self, item: str, matched: Sequence[Compiled], outcome: str) -> None:
        if matched:
            policies = [each.policy.id for each in matched]
            self._decided({"item": item, "outcome": outcome, "policies": policies})


def _with_attributes(part: dict[str, Any], name: str, owner: Owner) -> dict[str, Any]:
    if name not in part and not owner.attributes:
        return part
    return {**part, name: {**owner.data, "attributes": encode_attributes(owner.attributes)}}

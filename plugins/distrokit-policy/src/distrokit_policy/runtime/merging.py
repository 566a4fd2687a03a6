"""Makes one set of the policies of all providers, compiled for this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from distrokit_policy.engine.compiling import LogPolicies, MetricPolicies, SpanPolicies
from distrokit_policy.engine.conditions import make_check
from distrokit_policy.engine.policies import Matcher, Policy
from distrokit_policy.engine.statistics import Statistics
from distrokit_policy.runtime.placing import place
from distrokit_policy.runtime.sdk_fields import FieldsAccess, finished_spans, metric_points, starting_spans
from distrokit_policy.runtime.sdk_logs import LogRecordAccess


@dataclass(frozen=True)
class PolicySet:
    """The policies in effect; it is replaced as a whole.

    Attributes:
        policies: all of them, also those that never match in this process.
        starting: for spans that start; ``spans``, ``logs`` and ``metrics`` for finished items; ``None`` for none.
        resource_keys: the resource attributes that conditions ask for, with their values.
    """

    policies: tuple[Policy, ...] = ()
    starting: SpanPolicies | None = None
    spans: SpanPolicies | None = None
    logs: LogPolicies | None = None
    metrics: MetricPolicies | None = None
    resource_keys: Mapping[str, Any] | None = None

    def forked(self) -> None:
        """Renew rates in a forked child."""
        for policies in (self.starting, self.spans, self.logs, self.metrics):
            if policies is not None:
                policies.forked()

    def fits(self, resource: Any) -> bool:
        """Tell whether the conditions on the resource are still decided as they were."""
        attributes = getattr(resource, "attributes", None) or {}
        return all(attributes.get(key) == value for key, value in (self.resource_keys or {}).items())


def merge(sets: Iterable[Sequence[Policy]]) -> tuple[tuple[Policy, ...], list[Policy]]:
    """Return the policies of all sets, and those that are left out, since a set before has one of their id."""
    merged: dict[str, Policy] = {}
    left_out = []
    for policies in sets:
        for policy in policies:
            if policy.id in merged:
                left_out.append(policy)
            else:
                merged[policy.id] = policy
    return tuple(merged.values()), left_out


def compile_set(policies: Sequence[Policy], resource: Any, statistics: Statistics) -> PolicySet:
    """Compile policies for the items of a process.

    Args:
        resource: that of the process, by which conditions on it are decided now; ``None`` if it is not known.
        statistics: where hits and misses are counted.
    """
    access = _ResourceAccess()
    keys: dict[str, Any] = {}
    bound = [each for policy in policies if (each := _bind(policy, resource, access, keys)) is not None]
    spans = [policy for policy in bound if policy.signal == "traces"]
    starting = [policy for policy in spans if place(policy).at_start]
    ending = [policy for policy in spans if place(policy).at_end]
    logs = [policy for policy in bound if policy.signal == "logs"]
    metrics = [policy for policy in bound if policy.signal == "metrics"]
    statistics.forget_others({policy.id for policy in policies})
    return PolicySet(
        tuple(policies),
        SpanPolicies(starting, starting_spans(), statistics) if starting else None,
        SpanPolicies(ending, finished_spans(), statistics) if ending else None,
        LogPolicies(logs, LogRecordAccess(), statistics) if logs else None,
        MetricPolicies(metrics, metric_points(), statistics) if metrics else None,
        keys,
    )


class _ResourceAccess(FieldsAccess):
    """Reads a resource as the item."""

    def __init__(self) -> None:
        super().__init__(lambda resource: resource.attributes, lambda resource: resource, lambda resource: None, {})


def _bind(policy: Policy, resource: Any, access: _ResourceAccess, keys: dict[str, Any]) -> Policy | None:
    """Return a policy without its conditions on the resource; ``None`` if they are not fulfilled."""
    if resource is None:
        return policy
    left: list[Matcher] = []
    matches = True
    for matcher in policy.matchers:
        selector = matcher.selector
        if selector.kind != "resource attribute" and selector.name != "resource_schema_url":
            left.append(matcher)
            continue
        if selector.path:
            keys[selector.path[0]] = resource.attributes.get(selector.path[0])
        matches = matches and make_check(matcher, access)(resource)
    return replace(policy, matchers=tuple(left)) if matches else None

"""Compiles policies for one kind of items, and applies them to these."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from distrokit_policy.engine.access import Access, Read, plain
from distrokit_policy.engine.conditions import Check, make_check
from distrokit_policy.engine.index import Index
from distrokit_policy.engine.policies import Operation, Policy, Selector
from distrokit_policy.engine.rate_limit import RateLimit
from distrokit_policy.engine.sampling import Sampled, sample_key, sample_span, threshold_of
from distrokit_policy.engine.statistics import PolicyStatistics, Statistics
from distrokit_policy.engine.transforms import Apply, LogAccess, make_transform

A = TypeVar("A", bound=Access)
_RANDOM_BITS = 56


@dataclass(slots=True)
class Compiled:
    """A policy for one kind of items.

    Attributes:
        order: its place among all, which are in the order of their ids.
        checks: true if the item matches, each.
    """

    policy: Policy
    order: int
    checks: tuple[Check, ...]
    statistics: PolicyStatistics
    limit: RateLimit | None = None
    key: Read | None = None
    operations: Sequence[tuple[Operation, Apply]] = ()

    def matches(self, item: Any) -> bool:
        """Return whether an item matches."""
        # Not all(), which makes a generator for each policy and item.
        for check in self.checks:  # noqa: SIM110  (see above)
            if not check(item):
                return False
        return True


class CompiledPolicies(Generic[A]):
    """Policies for one kind of items.

    Args:
        policies: of one signal.
        access: reads the items.
        statistics: where hits and misses are counted.
    """

    def __init__(self, policies: Iterable[Policy], access: A, statistics: Statistics) -> None:
        self.access, self.statistics = access, statistics
        ordered = sorted(policies, key=lambda policy: policy.id)
        self.compiled = [self._compile(policy, order) for order, policy in enumerate(ordered)]
        self._index = Index([(each, each.policy.matchers) for each in self.compiled], access)
        self.is_empty = not self.compiled

    def _compile(self, policy: Policy, order: int) -> Compiled:
        compiled = Compiled(
            policy,
            order,
            tuple(make_check(matcher, self.access) for matcher in policy.matchers),
            self.statistics.of(policy.id),
        )
        if policy.keep.kind == "rate":
            compiled.limit = RateLimit(policy.keep.limit, policy.keep.window_seconds)
        if policy.sample_key is not None:
            compiled.key = self.access.reader(policy.sample_key)
        return compiled

    def match(self, item: Any) -> list[Compiled]:
        """Return the policies that an item matches, in the order of their ids. One that raises does not match."""
        candidates = self._index.find(item)
        try:
            found = [each for each in candidates if each.matches(item)]
        except Exception:
            found = [each for each in candidates if self._matches(each, item)]
        if len(found) > 1:
            found.sort(key=_order)
        return found

    def _matches(self, compiled: Compiled, item: Any) -> bool:
        try:
            return compiled.matches(item)
        except Exception as error:
            self.failed(compiled.policy.id, error)
            return False

    def failed(self, policy_id: str, error: Exception) -> None:
        """Count a policy that raised, and pass it on to the statistics."""
        self.statistics.fail(policy_id, error)

    def count(self, matched: Sequence[Compiled], winner: Compiled, *, kept: bool) -> None:
        """Count hits and misses of an item."""
        with self.statistics.lock:
            for each in matched:
                if kept or each is winner:
                    each.statistics.hits += 1
                else:
                    each.statistics.misses += 1

    def forked(self) -> None:
        """Renew rates in a forked child."""
        for each in self.compiled:
            if each.limit is not None:
                each.limit.forked()


def _order(compiled: Compiled) -> int:
    return compiled.order


def find_winner(matched: Sequence[Compiled]) -> Compiled:
    """Return the most restrictive policy, the first one of several."""
    return max(matched, key=lambda each: each.policy.keep.restrictiveness)


class LogPolicies(CompiledPolicies[LogAccess]):
    """Policies for log records."""

    def __init__(self, policies: Iterable[Policy], access: LogAccess, statistics: Statistics) -> None:
        super().__init__(policies, access, statistics)
        # Where a percentage without a sample key is decided.
        self._random = random.Random()  # noqa: S311  (no secret depends on it)

    def _compile(self, policy: Policy, order: int) -> Compiled:
        compiled = super()._compile(policy, order)
        # They are read in the order in which they are applied.
        compiled.operations = [(each.operation, make_transform(each, self.access)) for each in policy.transforms]
        return compiled

    def apply(self, item: Any) -> bool:
        """Change an item in place; return whether it is kept."""
        return self.apply_matched(self.match(item), item)

    def apply_matched(self, matched: Sequence[Compiled], item: Any) -> bool:
        """Do the same with the policies that it matches."""
        if not matched:
            return True
        winner = find_winner(matched)
        kept = self._keeps(winner, item)
        self.count(matched, winner, kept=kept)
        for each in matched if kept else ():
            for operation, apply in each.operations:
                try:
                    hit = apply(item)
                except Exception as error:
                    self.failed(each.policy.id, error)
                    continue
                with self.statistics.lock:
                    each.statistics.count_operation(operation, hit=hit)
        return kept

    def _keeps(self, winner: Compiled, item: Any) -> bool:
        keep = winner.policy.keep
        if keep.kind == "percentage":
            if winner.key is None:
                return self._random.getrandbits(_RANDOM_BITS) >= threshold_of(keep.percentage)
            data = _as_bytes(plain(winner.key(item)))
            # Without a value there is nothing to decide by: the record is kept, as in policy-go.
            return not data or sample_key(data, keep.percentage, is_trace_id=_is_trace_id(winner.policy.sample_key))
        return winner.limit.admit() if winner.limit is not None else keep.kind == "all"

    def forked(self) -> None:
        """Renew rates and randomness in a forked child."""
        super().forked()
        self._random.seed()


def _is_trace_id(selector: Selector | None) -> bool:
    return selector is not None and selector.kind == "field" and selector.name == "trace_id"


def _as_bytes(value: Any) -> bytes:
    """Return the bytes of a sample key's value; empty for one that has none."""
    import struct

    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return struct.pack(">q", value)
    return struct.pack(">d", value) if isinstance(value, float) else b""


class MetricPolicies(CompiledPolicies[Access]):
    """Policies for metrics: an item is a metric with one of its points."""

    def apply(self, items: Sequence[Any]) -> list[bool]:
        """Return for each point of a metric whether it is kept; hits and misses are counted once for the metric."""
        outcomes: dict[int, tuple[Compiled, bool]] = {}
        kept = []
        for item in items:
            matched = self.match(item)
            drops = any(each.policy.keep.kind == "none" for each in matched)
            kept.append(not drops)
            for each in matched:
                hit = not drops or each.policy.keep.kind == "none"
                outcomes[each.order] = (each, hit and outcomes.get(each.order, (each, True))[1])
        if outcomes:
            with self.statistics.lock:
                for each, hit in outcomes.values():
                    if hit:
                        each.statistics.hits += 1
                    else:
                        each.statistics.misses += 1
        return kept


class SpanPolicies(CompiledPolicies[Access]):
    """Policies for spans."""

    def __init__(self, policies: Iterable[Policy], access: Access, statistics: Statistics) -> None:
        super().__init__(policies, access, statistics)
        self._trace_id = access.reader(Selector("field", "trace_id"))
        self._trace_state = access.reader(Selector("field", "trace_state"))

    def decide(self, matched: Sequence[Compiled], item: Any) -> tuple[Compiled, Sampled]:
        """Return the policy that decides, and the outcome."""
        winner = find_winner(matched)
        keep = winner.policy.keep
        if keep.kind != "percentage":
            # Without a look at the item.
            return winner, sample_span(keep, None, "")
        return winner, sample_span(keep, self._trace_id(item), self._trace_state(item) or "")

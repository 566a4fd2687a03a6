"""Counts what each policy did."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from distrokit_policy.engine.policies import OPERATIONS, Operation


class PolicyStatistics:
    """The counts of one policy, which survive a new set with the same policy.

    Attributes:
        hits: items that matched, with the outcome that the policy wants.
        misses: items that matched, and that a more restrictive policy dropped.
        operations: by operation: how often it changed something, and how often there was nothing to change.
    """

    __slots__ = ("hits", "misses", "operations")

    def __init__(self) -> None:
        self.hits = self.misses = 0
        self.operations: dict[Operation, list[int]] = {}

    def count_operation(self, operation: Operation, *, hit: bool) -> None:
        """Count an operation that was applied."""
        self.operations.setdefault(operation, [0, 0])[not hit] += 1

    def as_data(self) -> dict[str, object]:
        """Return the counts as plain data; those of operations only where there are any."""
        data: dict[str, object] = {"hits": self.hits, "misses": self.misses}
        for operation in OPERATIONS:
            if operation in self.operations:
                hits, misses = self.operations[operation]
                data[operation] = {"hits": hits, "misses": misses}
        return data


class Statistics:
    """The counts of all policies of a process, by id.

    Attributes:
        errors: how often an evaluation raised; then the item is kept unchanged.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.policies: dict[str, PolicyStatistics] = {}
        self.errors = 0
        #: Receives a policy that raised, and the error.
        self.report: Callable[[str, Exception], None] = lambda policy_id, error: None

    def fail(self, policy_id: str, error: Exception) -> None:
        """Count a policy that raised, and report it."""
        self.errors += 1
        self.report(f"policy {policy_id}", error)

    def of(self, policy_id: str) -> PolicyStatistics:
        """Return the counts of a policy."""
        with self.lock:
            return self.policies.setdefault(policy_id, PolicyStatistics())

    def forget_others(self, policy_ids: set[str]) -> None:
        """Drop the counts of policies that no set has any more."""
        with self.lock:
            for policy_id in [known for known in self.policies if known not in policy_ids]:
                del self.policies[policy_id]

    def forked(self) -> None:
        """Begin at zero in a forked child; another thread of the parent may have held the lock."""
        self.lock = Lock()
        self.errors = 0
        for counts in self.policies.values():
            counts.hits = counts.misses = 0
            counts.operations.clear()

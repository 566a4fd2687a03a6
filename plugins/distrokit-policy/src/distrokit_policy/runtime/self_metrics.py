"""Counts hits and misses of policies with the application's own metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distrokit_policy.engine.statistics import Statistics


def count_with_metrics(meter_provider: Any, statistics: Statistics) -> None:
    """Make the counter ``distrokit.policy.items``, with the attributes ``policy.id`` and ``policy.outcome``."""
    from opentelemetry.metrics import CallbackOptions, Observation

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        with statistics.lock:
            counted = [(name, counts.hits, counts.misses) for name, counts in statistics.policies.items()]
        for name, hits, misses in counted:
            for outcome, number in (("hit", hits), ("miss", misses)):
                if number:
                    yield Observation(number, {"policy.id": name, "policy.outcome": outcome})

    meter_provider.get_meter("distrokit.policy").create_observable_counter(
        "distrokit.policy.items",
        [observe],
        unit="{item}",
        description="items that a telemetry policy matched, by the outcome",
    )

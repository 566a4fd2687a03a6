"""Temporality and aggregation as keywords of the SDK's metric exporters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def metric_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``preferred_temporality`` and ``preferred_aggregation`` for the constructor of an SDK metric exporter.

    Args:
        arguments: the values that :func:`metric_parameters` read; for a missing one the result has no keyword.
    """
    from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
    from opentelemetry.sdk.metrics.export import AggregationTemporality
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation

    delta: dict[str, tuple[type, ...]] = {
        "delta": (Counter, ObservableCounter, Histogram),
        "low_memory": (Counter, Histogram),
    }
    keywords: dict[str, Any] = {}
    if "temporality_preference" in arguments:
        kinds = delta.get(arguments["temporality_preference"], ())
        # Other instruments are cumulative. A mapping keeps the exporter from reading the environment variable.
        everything = dict.fromkeys((Counter, ObservableCounter, Histogram), AggregationTemporality.CUMULATIVE)
        keywords["preferred_temporality"] = everything | dict.fromkeys(kinds, AggregationTemporality.DELTA)
    if "default_histogram_aggregation" in arguments:
        exponential = arguments["default_histogram_aggregation"].startswith("base2")
        made = ExponentialBucketHistogramAggregation() if exponential else ExplicitBucketHistogramAggregation()
        keywords["preferred_aggregation"] = {Histogram: made}
    return keywords

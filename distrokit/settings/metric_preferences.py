"""Preferences of metric exporters: temporality and histogram aggregation, as every push exporter takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distrokit.settings.reader import Reader
    from distrokit.settings.values import Value

_TEMPORALITIES = ("cumulative", "delta", "low_memory")
_AGGREGATIONS = ("explicit_bucket_histogram", "base2_exponential_bucket_histogram")


def metric_parameters(
    reader: Reader, temporality: str | Sequence[str] = (), aggregation: str | Sequence[str] = ()
) -> dict[str, Value[Any]]:
    """Read the two preferences; the keys of the result are those of a configuration file.

    Args:
        temporality, aggregation: the variables that may hold them, strongest first.
    """

    def parse(text: str) -> str:
        # The variable says "lowmemory", the file "low_memory" (specification, OTLP metric exporter).
        word = "low_memory" if text.lower() == "lowmemory" else text.lower()
        if word not in _TEMPORALITIES:
            raise ValueError("valid values are cumulative, delta, lowmemory")
        return word

    return {
        "temporality_preference": reader.parsed(temporality, parse, "cumulative", key="temporality_preference"),
        "default_histogram_aggregation": reader.choice(
            aggregation, _AGGREGATIONS, "explicit_bucket_histogram", key="default_histogram_aggregation"
        ),
    }

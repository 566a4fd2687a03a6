"""What is wrong with a view: the SDK finds it out when an instrument is first used, in the application's own code."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import Any


def fault_of(definition: dict[str, Any]) -> str:
    """Why the SDK could not use this ``views`` item of the configuration model; empty when it can."""
    selector, stream = definition.get("selector") or {}, definition.get("stream") or {}
    criteria = {name: value for name, value in selector.items() if value is not None}
    if not criteria:
        return "its selector selects nothing in particular; write instrument_name: '*' for all"
    wild = not criteria.get("instrument_name") or set("*?") & set(str(criteria["instrument_name"]))
    if stream.get("name") and wild:
        return "it gives one name to what may be several instruments"
    return _aggregation_fault(stream.get("aggregation") or {})


def _aggregation_fault(aggregation: dict[str, Any]) -> str:
    boundaries = (aggregation.get("explicit_bucket_histogram") or {}).get("boundaries")
    if boundaries is not None:
        rising = all(a < b for a, b in pairwise(boundaries))
        if not rising or not all(isfinite(boundary) for boundary in boundaries):
            return "its boundaries are not numbers that rise"
    exponential = aggregation.get("base2_exponential_bucket_histogram") or {}
    size, scale = exponential.get("max_size"), exponential.get("max_scale")
    if size is not None and not 2 <= size <= 16_384:
        return "its max_size is not from 2 to 16384"
    if scale is not None and not -10 <= scale <= 20:
        return "its max_scale is not from -10 to 20"
    return ""

"""Checks views while planning; the SDK would raise later, in application code that first uses an instrument."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from math import isfinite
from typing import Any

from distrokit.settings.suggestions import did_you_mean

_INSTRUMENTS = (
    "counter",
    "gauge",
    "histogram",
    "observable_counter",
    "observable_gauge",
    "observable_up_down_counter",
    "up_down_counter",
)
_AGGREGATIONS: dict[str, Any] = {
    "default": {},
    "drop": {},
    "explicit_bucket_histogram": {"boundaries": [float], "record_min_max": bool},
    "base2_exponential_bucket_histogram": {"max_scale": int, "max_size": int, "record_min_max": bool},
    "last_value": {},
    "sum": {},
}
#: The schema of a view: a type, a tuple of allowed values, a list of one type, or a mapping of keys to these.
_VIEW: dict[str, Any] = {
    "selector": {
        "instrument_name": str,
        "instrument_type": _INSTRUMENTS,
        "unit": str,
        "meter_name": str,
        "meter_version": str,
        "meter_schema_url": str,
    },
    "stream": {
        "name": str,
        "description": str,
        "aggregation": _AGGREGATIONS,
        "aggregation_cardinality_limit": int,
        "attribute_keys": {"included": [str], "excluded": [str]},
    },
}
_HISTOGRAMS = frozenset({"explicit_bucket_histogram", "base2_exponential_bucket_histogram"})
_TYPE_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def fault_of(definition: dict[str, Any]) -> str:
    """Return why the SDK cannot use this ``views`` item of the configuration model; empty when it can.

    Args:
        definition: plain data; from a file it matches the schema already, from a plugin it may be anything.
    """
    if fault := _find_misfit(definition, _VIEW, ""):
        return fault
    selector, stream = definition.get("selector") or {}, definition.get("stream") or {}
    criteria = {name: value for name, value in selector.items() if value is not None}
    if not criteria:
        return "its selector has no criterion; write instrument_name: '*' for all"
    matches_several = not criteria.get("instrument_name") or set("*?") & set(str(criteria["instrument_name"]))
    if stream.get("name") and matches_several:
        return "it may give several instruments one name"
    limit = stream.get("aggregation_cardinality_limit")
    if limit is not None and limit < 1:
        return "its stream.aggregation_cardinality_limit is less than 1"
    return _find_aggregation_fault(stream.get("aggregation") or {})


def selects(
    definition: Mapping[str, Any], kind: str, name: str, unit: str, scope: tuple[str, str | None, str | None]
) -> bool:
    """Tell whether the SDK applies a view to an instrument (specification, *Metrics SDK, View*).

    Args:
        definition: one in which :func:`fault_of` finds no fault.
        kind: of the instrument, as in ``instrument_type``.
        name: in lower case.
        scope: name, version and schema URL of the instrument's meter.
    """
    selector = definition.get("selector") or {}
    pattern, units = selector.get("instrument_name"), selector.get("unit")
    wanted = [selector.get(key) for key in ("instrument_type", "meter_name", "meter_version", "meter_schema_url")]
    histogram = set((definition.get("stream") or {}).get("aggregation") or ()) & _HISTOGRAMS
    return (
        all(value in (None, found) for value, found in zip(wanted, (kind, *scope), strict=True))
        and (pattern is None or fnmatchcase(name, pattern.lower()))
        and (units is None or fnmatchcase(unit, units))
        # The SDK applies no histogram to an observable instrument.
        and not (histogram and kind.startswith("observable_"))
    )


def _find_misfit(node: Any, shape: Any, where: str) -> str:
    """Return the first violation of the schema; a misspelt condition would make the view match other instruments."""
    if node is None:
        return ""
    if isinstance(shape, dict):
        return _find_misfit_in_mapping(node, shape, where)
    if isinstance(shape, list):
        return _find_misfit_in_list(node, shape[0], where)
    if isinstance(shape, tuple):
        return "" if node in shape else f"its {where} is not one of {', '.join(shape)}"
    fits = isinstance(node, (int, float) if shape is float else shape) and (shape is bool or not isinstance(node, bool))
    return "" if fits else f"its {where} is not {_TYPE_NAMES[shape]}"


def _find_misfit_in_mapping(node: Any, shape: dict[str, Any], where: str) -> str:
    if not isinstance(node, Mapping):
        return f"its {where} is not a mapping"
    for key, value in node.items():
        path = f"{where}.{key}" if where else key
        if key not in shape:
            return f"unknown key {path}. {did_you_mean(str(key), shape)}".rstrip(" .")
        if fault := _find_misfit(value, shape[key], path):
            return fault
    return ""


def _find_misfit_in_list(node: Any, shape: Any, where: str) -> str:
    if not isinstance(node, list):
        return f"its {where} is not a list"
    inside = f"{where}, an item of it,"
    return next(
        (fault for item in node if (fault := _find_misfit(item, shape, inside) or _find_empty(item, inside))), ""
    )


def _find_empty(item: Any, where: str) -> str:
    return f"its {where} is empty" if item is None else ""


def _find_aggregation_fault(aggregation: dict[str, Any]) -> str:
    if len(aggregation) > 1:
        return f"it has several aggregations: {', '.join(aggregation)}"
    boundaries = (aggregation.get("explicit_bucket_histogram") or {}).get("boundaries")
    if boundaries is not None:
        increasing = all(a < b for a, b in pairwise(boundaries))
        if not increasing or not all(isfinite(boundary) for boundary in boundaries):
            return "its boundaries are not increasing finite numbers"
    exponential = aggregation.get("base2_exponential_bucket_histogram") or {}
    size, scale = exponential.get("max_size"), exponential.get("max_scale")
    if size is not None and not 2 <= size <= 16_384:
        return "its max_size is not between 2 and 16384"
    if scale is not None and not -10 <= scale <= 20:
        return "its max_scale is not between -10 and 20"
    return ""

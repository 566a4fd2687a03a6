"""The words of the specification's enumerations, in every form in which they may be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Signal = Literal["logs", "metrics", "traces"]

#: A policy's target and the signal that it is for.
TARGETS: Mapping[str, Signal] = {"log": "logs", "metric": "metrics", "trace": "traces"}

_SCHEMAS = ("resource_schema_url", "scope_schema_url")
#: The well-known fields of each target, by the name of their selector.
FIELDS: Mapping[str, Sequence[str]] = {
    "log_field": ("body", "severity_text", "trace_id", "span_id", "event_name", *_SCHEMAS),
    "metric_field": ("name", "description", "unit", *_SCHEMAS, "scope_name", "scope_version"),
    "trace_field": (
        "name",
        "trace_id",
        "span_id",
        "parent_span_id",
        "trace_state",
        *_SCHEMAS,
        "scope_name",
        "scope_version",
    ),
}
#: Selectors that say which value they want: selector, prefix of its enumeration, values.
ENUMERATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "metric_type": (
        "METRIC_TYPE_",
        {name: name for name in ("gauge", "sum", "histogram", "exponential_histogram", "summary")},
    ),
    "aggregation_temporality": ("AGGREGATION_TEMPORALITY_", {"delta": "delta", "cumulative": "cumulative"}),
    "span_kind": (
        "SPAN_KIND_",
        {name: name for name in ("internal", "server", "client", "producer", "consumer")},
    ),
    # The schema's value for a status that is not set is 0, "unspecified".
    "span_status": ("SPAN_STATUS_CODE_", {"ok": "ok", "error": "error", "unset": "unset", "unspecified": "unset"}),
}
#: Fields that are bytes; their texts are lowercase hexadecimal digits.
IDENTIFIERS = frozenset({"trace_id", "span_id", "parent_span_id"})

MODES: Mapping[str, str] = {name: name for name in ("hash_seed", "proportional", "equalizing")}


def short_name(text: str, prefix: str) -> str:
    """Return the name of an enumeration's value without its prefix, in lower case: ``LOG_FIELD_BODY`` → ``body``."""
    return text.removeprefix(prefix).lower()

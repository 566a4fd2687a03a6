"""Awkward values for every field of a span, a log record and a metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import StatusCode

SURROGATE = "\ud800"
#: Nanoseconds since 1970, in 2023.
NORMAL_TIME = 1_700_000_000 * 10**9

#: A value, and whether it is poisoned.
Value = tuple[Any, "bool | None"]


def _cyclic() -> list[Any]:
    cycle: list[Any] = ["cycle"]
    cycle.append(cycle)
    return cycle


class Opaque:
    """Something that no field can hold."""


class NamelessError(Exception):
    """Cannot even be said."""

    def __str__(self) -> str:
        raise ValueError("no text")


#: Of a signal: its fields, and for each the values by name, the normal one first.
Dimensions = Mapping[str, Mapping[str, Value]]

#: For attributes; the first is the normal one, as everywhere.
ATTRIBUTES: Mapping[str, Value] = {
    "str": ("text", False),
    "bool": (True, False),
    "int64-max": (2**63 - 1, False),
    "inf": (float("inf"), False),
    "nan": (float("nan"), False),
    "megabyte": ("x" * 1_000_000, False),
    # A list, with 1.43, raises when it is on a metric point.
    "strings": (("a", "b"), False),
    "bytes": (b"\xff\x00", None),
    "none": (None, None),
    "surrogate": (SURROGATE, None),
    "2**65": (2**65, None),
    "mixed": ([1, "a", None, 2.5, SURROGATE], None),
    "nested": ({"a": {"b": [1, {"c": "d"}]}}, None),
    "object": (Opaque(), None),
    "cyclic": (_cyclic(), None),
}

TIMES: Mapping[str, Value] = {
    "now": (NORMAL_TIME, False),
    "zero": (0, False),
    "float": (NORMAL_TIME / 1, True),
    "negative": (-1, True),
    "2**70": (2**70, True),
}

#: Calls on a span: method, arguments.
EXTRAS: Mapping[str, Value] = {
    "none": ([], False),
    "event": ([("add_event", "event", {"a": 1})], False),
    "event-surrogate": ([("add_event", SURROGATE)], True),
    "event-time": ([("add_event", "event", None, 1.5)], True),
    "events": ([("add_event", f"event {n}") for n in range(1000)], False),
    "exception": ([("record_exception", ValueError(SURROGATE))], None),
    "exception-silent": ([("record_exception", NamelessError())], None),
    "link-invalid": ([("add_link", trace.INVALID_SPAN_CONTEXT)], False),
    "link-object": ([("add_link", trace.SpanContext(2**127, 2**63, is_remote=True), {"a": Opaque()})], None),
    "link-too-long": ([("add_link", trace.SpanContext(2**130, 2**70, is_remote=True))], True),
    "status": ([("set_status", StatusCode.ERROR, "broken")], False),
    "status-surrogate": ([("set_status", StatusCode.ERROR, SURROGATE)], True),
    "status-int": ([("set_status", StatusCode.ERROR, 5)], True),
    "renamed": ([("update_name", SURROGATE)], True),
    "ended-twice": ([("end",)], False),
}

SCOPES: Mapping[str, Value] = {"normal": ("golden", False), "surrogate": (SURROGATE, True), "empty": ("", False)}

SPANS: Dimensions = {
    "name": {
        "normal": ("span", False),
        "empty": ("", False),
        "long": ("n" * 100_000, False),
        "nul": ("a\0b", False),
        "emoji": ("\U0001f600", False),
        "surrogate": (SURROGATE, True),
        "int": (5, True),
    },
    "attribute": ATTRIBUTES,
    "extra": EXTRAS,
    "start": TIMES,
    "end": TIMES,
    "scope": SCOPES,
}

LOGS: Dimensions = {
    "body": {
        **{name: (value, poisoned if poisoned is False else True) for name, (value, poisoned) in ATTRIBUTES.items()},
        "none": (None, False),
        "bytes": (b"\xff\x00", False),
        "nested": ({"a": {"b": [1, {"c": "d"}]}}, False),
        "list": ([1, "a", None, 2.5], False),
        "key": ({1: "one"}, None),
        "exception": (ValueError("a body"), True),
    },
    "severity": {
        "info": ((SeverityNumber.INFO, "INFO"), False),
        "none": ((None, None), False),
        "surrogate": ((SeverityNumber.WARN, SURROGATE), True),
        "text-int": ((SeverityNumber.WARN, 5), True),
        "number-int": ((9, "INFO"), None),
        "number-99": ((99, "LOUD"), True),
        "number-text": (("INFO", "INFO"), True),
    },
    "time": {**TIMES, "none": (None, False)},
    "observed": {**TIMES, "none": (None, False)},
    "attribute": ATTRIBUTES,
    "event": {
        "none": (None, False),
        "named": ("event.name", False),
        "surrogate": (SURROGATE, True),
        "int": (5, True),
    },
    "scope": SCOPES,
}

METRICS: Dimensions = {
    "kind": {
        kind: (kind, False)
        for kind in (
            "counter",
            "up_down_counter",
            "histogram",
            "gauge",
            "observable_counter",
            "observable_up_down_counter",
            "observable_gauge",
        )
    },
    "value": {
        "one": (1, False),
        "zero": (0, False),
        "float": (1.5, False),
        "int64-max": (2**63 - 1, False),
        "minus-one": (-1, None),
        "nan": (float("nan"), None),
        "inf": (float("inf"), None),
        "2**65": (2**65, True),
        "text": ("1", True),
        "none": (None, True),
    },
    "attribute": ATTRIBUTES,
    "name": {
        "normal": ("golden.metric", False),
        "long": ("n" * 200, False),
        "too-long": ("n" * 300, None),
        "empty": ("", None),
        "nul": ("a\0b", None),
        "surrogate": (SURROGATE, True),
        "int": (5, True),
    },
    "unit": {
        "normal": ("s", False),
        "empty": ("", False),
        "long": ("u" * 100, None),
        "surrogate": (SURROGATE, True),
        "int": (5, True),
    },
    "description": {
        "normal": ("what it is", False),
        "empty": ("", False),
        "long": ("d" * 100_000, False),
        "surrogate": (SURROGATE, True),
        "int": (5, True),
    },
    "scope": {**SCOPES, "empty": ("", None)},
}

#: Where the API may refuse the whole item: each alone, since combined it would hide the other values.
ALONE = {
    *(("metric", "name", value) for value in ("too-long", "empty", "nul", "surrogate", "int")),
    *(("metric", "unit", value) for value in ("long", "surrogate", "int")),
    ("metric", "description", "int"),
    ("metric", "scope", "empty"),
}

"""The fields of OTLP's messages in JSON: by message and field number, the name and the kind of the value.

Source: OTLP, "JSON Protobuf Encoding": that of protobuf (*ProtoJSON*), but ids are hexadecimal and enums are numbers.
Only the fields that the writers of this package write are here.
"""

from __future__ import annotations

import json
import math
import struct
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from distrokit_otlp.protobuf_reader import BYTES, FIXED32, FIXED64, VARINT, read_varint

_quote = json.JSONEncoder(ensure_ascii=False).encode
_unpack_double, _unpack_unsigned, _unpack_signed, _unpack_small = (
    struct.Struct(form).unpack for form in ("<d", "<Q", "<q", "<I")
)


@dataclass(frozen=True)
class Kind:
    """A kind of scalar value, or of packed ones.

    Args:
        wire_type: 0 for a varint, 1 and 5 for 8 and 4 bytes, 2 for bytes with a length (protobuf, *Encoding*).
        write: returns the JSON of a number, for a varint, or of bytes.
    """

    wire_type: int
    write: Callable[[Any], str]


@dataclass(frozen=True)
class Many:
    """A repeated field of messages.

    Args:
        message: the name of one message.
        recurring: the same messages come again and again, so that their JSON is worth keeping.
    """

    message: str
    recurring: bool = False


def _write_double(value: float) -> str:
    if math.isfinite(value):
        return float.__repr__(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _write_signed(number: int) -> str:
    return f'"{number - (1 << 64) if number >> 63 else number}"'


def _write_list(values: Iterable[object], write: Callable[[Any], str]) -> str:
    return f"[{','.join([write(value) for value in values])}]"


def _read_varints(data: bytes) -> Iterable[int]:
    place = 0
    while place < len(data):
        number, place = read_varint(data, place)
        yield number


TEXT = Kind(BYTES, lambda data: _quote(data.decode()))
HEX = Kind(BYTES, lambda data: f'"{data.hex()}"')
BASE64 = Kind(BYTES, lambda data: f'"{b64encode(data).decode()}"')
BOOLEAN = Kind(VARINT, lambda number: "true" if number else "false")
#: Of 32 bits, or an enum.
NUMBER = Kind(VARINT, str)
ZIGZAG = Kind(VARINT, lambda number: str(number >> 1 ^ -(number & 1)))
SMALL = Kind(FIXED32, lambda data: str(_unpack_small(data)[0]))
#: Of 64 bits, which JavaScript's numbers cannot hold.
SIGNED_VARINT = Kind(VARINT, _write_signed)
UNSIGNED = Kind(FIXED64, lambda data: f'"{_unpack_unsigned(data)[0]}"')
SIGNED = Kind(FIXED64, lambda data: f'"{_unpack_signed(data)[0]}"')
DOUBLE = Kind(FIXED64, lambda data: _write_double(_unpack_double(data)[0]))
PACKED_VARINTS = Kind(BYTES, lambda data: _write_list(_read_varints(data), '"{}"'.format))
PACKED_UNSIGNED = Kind(BYTES, lambda data: _write_list(struct.unpack(f"<{len(data) // 8}Q", data), '"{}"'.format))
PACKED_DOUBLES = Kind(BYTES, lambda data: _write_list(struct.unpack(f"<{len(data) // 8}d", data), _write_double))

_ATTRIBUTES = ("attributes", Many("KeyValue", recurring=True))
_START, _TIME = ("startTimeUnixNano", UNSIGNED), ("timeUnixNano", UNSIGNED)
_DROPPED = ("droppedAttributesCount", NUMBER)
_EXEMPLARS = ("exemplars", Many("Exemplar"))
_TEMPORALITY = ("aggregationTemporality", NUMBER)
_URL = ("schemaUrl", TEXT)

#: By message and field number: the name, and a kind, a message's name, or many of them.
MESSAGES: dict[str, dict[int, tuple[str, Kind | Many | str]]] = {
    # common.proto, resource.proto
    "AnyValue": {
        1: ("stringValue", TEXT),
        2: ("boolValue", BOOLEAN),
        3: ("intValue", SIGNED_VARINT),
        4: ("doubleValue", DOUBLE),
        5: ("arrayValue", "ArrayValue"),
        6: ("kvlistValue", "KeyValueList"),
        7: ("bytesValue", BASE64),
    },
    "ArrayValue": {1: ("values", Many("AnyValue"))},
    "KeyValueList": {1: ("values", Many("KeyValue"))},
    "KeyValue": {1: ("key", TEXT), 2: ("value", "AnyValue")},
    "InstrumentationScope": {1: ("name", TEXT), 2: ("version", TEXT), 3: _ATTRIBUTES},
    "Resource": {1: _ATTRIBUTES},
    # trace.proto
    "ExportTraceServiceRequest": {1: ("resourceSpans", Many("ResourceSpans"))},
    "ResourceSpans": {1: ("resource", "Resource"), 2: ("scopeSpans", Many("ScopeSpans")), 3: _URL},
    "ScopeSpans": {1: ("scope", "InstrumentationScope"), 2: ("spans", Many("Span")), 3: _URL},
    "Span": {
        1: ("traceId", HEX),
        2: ("spanId", HEX),
        3: ("traceState", TEXT),
        4: ("parentSpanId", HEX),
        5: ("name", TEXT),
        6: ("kind", NUMBER),
        7: _START,
        8: ("endTimeUnixNano", UNSIGNED),
        9: _ATTRIBUTES,
        10: _DROPPED,
        11: ("events", Many("Event")),
        12: ("droppedEventsCount", NUMBER),
        13: ("links", Many("Link")),
        14: ("droppedLinksCount", NUMBER),
        15: ("status", "Status"),
        16: ("flags", SMALL),
    },
    "Event": {1: _TIME, 2: ("name", TEXT), 3: _ATTRIBUTES, 4: _DROPPED},
    "Link": {1: ("traceId", HEX), 2: ("spanId", HEX), 4: _ATTRIBUTES, 5: _DROPPED, 6: ("flags", SMALL)},
    "Status": {2: ("message", TEXT), 3: ("code", NUMBER)},
    # logs.proto
    "ExportLogsServiceRequest": {1: ("resourceLogs", Many("ResourceLogs"))},
    "ResourceLogs": {1: ("resource", "Resource"), 2: ("scopeLogs", Many("ScopeLogs")), 3: _URL},
    "ScopeLogs": {1: ("scope", "InstrumentationScope"), 2: ("logRecords", Many("LogRecord")), 3: _URL},
    "LogRecord": {
        1: _TIME,
        2: ("severityNumber", NUMBER),
        3: ("severityText", TEXT),
        5: ("body", "AnyValue"),
        6: _ATTRIBUTES,
        7: _DROPPED,
        8: ("flags", SMALL),
        9: ("traceId", HEX),
        10: ("spanId", HEX),
        11: ("observedTimeUnixNano", UNSIGNED),
        12: ("eventName", TEXT),
    },
    # metrics.proto
    "ExportMetricsServiceRequest": {1: ("resourceMetrics", Many("ResourceMetrics"))},
    "ResourceMetrics": {1: ("resource", "Resource"), 2: ("scopeMetrics", Many("ScopeMetrics")), 3: _URL},
    "ScopeMetrics": {1: ("scope", "InstrumentationScope"), 2: ("metrics", Many("Metric")), 3: _URL},
    "Metric": {
        1: ("name", TEXT),
        2: ("description", TEXT),
        3: ("unit", TEXT),
        5: ("gauge", "Gauge"),
        7: ("sum", "Sum"),
        9: ("histogram", "Histogram"),
        10: ("exponentialHistogram", "ExponentialHistogram"),
    },
    "Gauge": {1: ("dataPoints", Many("NumberDataPoint"))},
    "Sum": {1: ("dataPoints", Many("NumberDataPoint")), 2: _TEMPORALITY, 3: ("isMonotonic", BOOLEAN)},
    "Histogram": {1: ("dataPoints", Many("HistogramDataPoint")), 2: _TEMPORALITY},
    "ExponentialHistogram": {1: ("dataPoints", Many("ExponentialHistogramDataPoint")), 2: _TEMPORALITY},
    "NumberDataPoint": {
        2: _START,
        3: _TIME,
        4: ("asDouble", DOUBLE),
        5: _EXEMPLARS,
        6: ("asInt", SIGNED),
        7: _ATTRIBUTES,
    },
    "HistogramDataPoint": {
        2: _START,
        3: _TIME,
        4: ("count", UNSIGNED),
        5: ("sum", DOUBLE),
        6: ("bucketCounts", PACKED_UNSIGNED),
        7: ("explicitBounds", PACKED_DOUBLES),
        8: _EXEMPLARS,
        9: _ATTRIBUTES,
        11: ("min", DOUBLE),
        12: ("max", DOUBLE),
    },
    "ExponentialHistogramDataPoint": {
        1: _ATTRIBUTES,
        2: _START,
        3: _TIME,
        4: ("count", UNSIGNED),
        5: ("sum", DOUBLE),
        6: ("scale", ZIGZAG),
        7: ("zeroCount", UNSIGNED),
        8: ("positive", "Buckets"),
        9: ("negative", "Buckets"),
        10: ("flags", NUMBER),
        11: _EXEMPLARS,
        12: ("min", DOUBLE),
        13: ("max", DOUBLE),
    },
    "Buckets": {1: ("offset", ZIGZAG), 2: ("bucketCounts", PACKED_VARINTS)},
    "Exemplar": {
        2: _TIME,
        3: ("asDouble", DOUBLE),
        4: ("spanId", HEX),
        5: ("traceId", HEX),
        6: ("asInt", SIGNED),
        7: ("filteredAttributes", Many("KeyValue")),
    },
}

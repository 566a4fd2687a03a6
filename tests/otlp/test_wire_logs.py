"""What our encoder of log records keeps from one record to the next never belongs to another."""

from __future__ import annotations

import gc
from enum import Enum
from types import SimpleNamespace

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from distrokit_otlp.wire.logs import LogWriter
from distrokit_otlp.wire.repairs import Repairs

RESOURCE, SCOPE = Resource({}), InstrumentationScope("s")


class Other(Enum):
    LOW, HIGH = 1, 300


def sent(writer, **fields):
    record = LogRecord()
    for name, value in fields.items():
        setattr(record, name, value)
    request = ExportLogsServiceRequest.FromString(writer([ReadableLogRecord(record, RESOURCE, SCOPE)]))
    return request.resource_logs[0].scope_logs[0].log_records[0]


def test_one_number_with_several_texts_and_one_text_with_several_numbers():
    writer = LogWriter(Repairs())
    pairs = [
        (SeverityNumber.INFO, "INFO"),
        (SeverityNumber.INFO, "NOTICE"),
        (SeverityNumber.INFO, None),
        (SeverityNumber.INFO, ""),
        (SeverityNumber.WARN, "INFO"),
        (None, "INFO"),
        (None, None),
        (Other.LOW, "INFO"),
        (Other.HIGH, "INFO"),
        (SeverityNumber.UNSPECIFIED, "INFO"),
    ]
    for number, text in pairs * 3:
        record = sent(writer, severity_number=number, severity_text=text)
        assert (record.severity_number, record.severity_text) == (number.value if number else 0, text or "")


def test_numbers_that_live_shortly_are_not_taken_for_each_other():
    writer = LogWriter(Repairs())
    for value in range(1, 500):
        assert sent(writer, severity_number=SimpleNamespace(value=value), severity_text="t").severity_number == value
        gc.collect(0)
    assert len(writer._known) <= 64


def test_a_severity_text_that_is_none():
    repairs = Repairs()
    writer = LogWriter(repairs)
    for _ in range(2):
        assert sent(writer, severity_number=SeverityNumber.INFO, severity_text=7).severity_text == "7"
    assert repairs.counts


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("timestamp", 2**64 - 1, 2**64 - 1),
        ("timestamp", 2**64, 2**64 - 1),
        ("timestamp", -1, 0),
        ("timestamp", 1.5, 1),
        ("timestamp", None, 0),
        ("timestamp", True, 1),
        ("timestamp", "now", 0),
        ("trace_flags", None, 0),
        ("trace_flags", 2**33 + 1, 1),
        ("event_name", "", ""),
        ("event_name", "e", "e"),
        ("event_name", 5, "5"),
    ],
)
def test_the_usual_and_the_unusual_values_of_fields(field, value, wanted):
    names = {"timestamp": "time_unix_nano", "trace_flags": "flags"}

    assert getattr(sent(LogWriter(Repairs()), **{field: value}), names.get(field, field)) == wanted
    if field == "timestamp":
        assert sent(LogWriter(Repairs()), observed_timestamp=value).observed_time_unix_nano == wanted


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 16_381, 16_384, 100_000])
def test_a_text_of_any_length(length):
    assert sent(LogWriter(Repairs()), body="ä" * length).body.string_value == "ä" * length


def test_a_text_that_utf_8_cannot_write():
    assert sent(LogWriter(Repairs()), body="a\ud800").body.string_value == "a\\ud800"

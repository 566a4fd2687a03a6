"""The queue of log records has copies of its own, the same as the SDK's processor makes."""

from __future__ import annotations

import copy

import pytest
from opentelemetry import context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LogRecordLimits, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from distrokit_batch import log_records
from distrokit_batch.log_records import to_queued


class Mine(LogRecord):
    pass


def everything(kind=LogRecord):
    record = kind(
        timestamp=1,
        observed_timestamp=2,
        context=context.set_value("request", object()),
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        body={"k": 1},
        attributes={"a": 1},
        event_name="e",
        exception=ValueError("it"),
    )
    record.trace_id, record.span_id, record.trace_flags = 3, 4, 1
    return ReadWriteLogRecord(record, Resource({"r": 1}), InstrumentationScope("s"), LogRecordLimits())


@pytest.fixture(params=["this release", "another release"])
def _release(request, monkeypatch):
    if request.param == "another release":
        monkeypatch.setattr(log_records, "_NUMBER", 0)
        monkeypatch.setattr(log_records, "_SETS_ONLY", False)


@pytest.mark.usefixtures("_release")
@pytest.mark.parametrize("kind", [LogRecord, Mine])
def test_a_copy_has_everything_but_the_context(kind):
    given = everything(kind)
    queued = to_queued(given)

    assert queued == ReadableLogRecord(queued.log_record, given.resource, given.instrumentation_scope, given.limits)
    assert type(queued) is ReadableLogRecord
    assert type(queued.log_record) is kind
    assert queued.log_record.context == {}
    assert given.log_record.context != {}
    assert vars(queued.log_record) == {**vars(given.log_record), "context": {}}
    assert queued.dropped_attributes == 0
    with pytest.raises(AttributeError):
        queued.resource = None


@pytest.mark.usefixtures("_release")
def test_what_another_processor_changes_later_is_not_in_the_copy():
    given = everything()
    queued = to_queued(given)
    before = copy.copy(vars(queued.log_record))
    for name in vars(given.log_record):
        setattr(given.log_record, name, "changed")

    assert vars(queued.log_record) == before


@pytest.mark.usefixtures("_release")
def test_what_a_processor_has_added_to_the_record_is_in_the_copy():
    given = everything()
    given.log_record.route = "mine"

    assert to_queued(given).log_record.route == "mine"


def test_this_release_is_known():
    assert len(vars(LogRecord())) == log_records._NUMBER
    assert log_records._SETS_ONLY

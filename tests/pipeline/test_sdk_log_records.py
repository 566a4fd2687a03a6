"""The cheaper form of ``Logger.emit`` leads to what the SDK's own leads to, and is used for known code only."""

from __future__ import annotations

import copy
import functools
import warnings
from types import FunctionType, MappingProxyType
from unittest import mock

import pytest
from odd_values import Text, Unprintable
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import Logger, LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.scopes import ScopedLoggerProvider
from distrokit.pipeline.sdk_log_records import cheaper_emit
from distrokit.pipeline.stages import StagedLogs
from distrokit.pipeline.transforms import Transforms


class Record(LogRecord):
    pass


class Keeping(LogRecordProcessor):
    """Keeps what a processor is given, while it is given."""

    def __init__(self):
        self.kept, self.records = [], []

    def on_emit(self, log_record):
        self.records.append(log_record)
        record, attributes = log_record.log_record, log_record.log_record.attributes
        fields = {**vars(record), "context": None, "attributes": None, "observed_timestamp": None}
        state = sorted({**vars(attributes), "_lock": type(vars(attributes)["_lock"])}.items())
        self.kept.append(
            repr(
                (fields, state, log_record.dropped_attributes, vars(log_record.limits), log_record.resource.attributes)
            )
            + repr((log_record.instrumentation_scope, type(log_record), type(record), type(attributes)))
        )

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30_000):
        return True


PLAIN = {"text": "x" * 8, "number": 1, "real": 1.0, "flag": True, "none": None}
CASES = {
    "plain": lambda: LogRecord(body="b", severity_number=SeverityNumber.INFO, severity_text="INFO", attributes=PLAIN),
    "everything": lambda: LogRecord(timestamp=1, event_name="e", body={"k": [1]}, attributes={"k": 1}),
    "no attributes": lambda: LogRecord(body="b"),
    "empty attributes": lambda: LogRecord(body="b", attributes={}),
    "bytes": lambda: LogRecord(attributes={"k": b"x"}),
    "a list": lambda: LogRecord(attributes={"k": [1, 2]}),
    "nested": lambda: LogRecord(attributes={"k": {"l": 1}}),
    "an empty key": lambda: LogRecord(attributes={"": 1, "l": 2}),
    "a key of another type": lambda: LogRecord(attributes={3: 1, "l": 2}),
    "an object": lambda: LogRecord(attributes={"k": Unprintable()}),
    "a subclass of str": lambda: LogRecord(attributes={"k": Text("v")}),
    "read-only": lambda: LogRecord(attributes=MappingProxyType({"k": 1})),
    "the SDK's attributes": lambda: LogRecord(attributes=BoundedAttributes(attributes={"k": 1}, immutable=False)),
    "a long text": lambda: LogRecord(attributes={"k": "x" * 100}),
    "many": lambda: LogRecord(attributes={f"k{number}": number for number in range(200)}),
    "an exception": lambda: LogRecord(body="b", attributes={"k": 1}, exception=ValueError("it")),
    "a subclass": lambda: Record(body="b", attributes={"k": 1}),
}


def outcome(emit, record):
    try:
        emit(record)
    except Exception as error:
        return type(error)
    return None


def emitted(use, make):
    provider, keeping = LoggerProvider(Resource({"r": 1}), shutdown_on_exit=False), Keeping()
    provider.add_log_record_processor(keeping)
    logger = provider.get_logger("scope", "1", "https://schema", {"s": 1})
    with warnings.catch_warnings():
        # Dropped attributes.
        warnings.simplefilter("ignore")
        return outcome(use(logger), make()), keeping.kept


def cheaper(logger):
    found = cheaper_emit(logger)
    assert found is not None, "this release has other code: see distrokit/pipeline/sdk_log_records.py"
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "8"},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "5"},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "2"},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "0"},
    ],
    ids=str,
)
def test_processors_are_given_what_the_sdk_gives_them(monkeypatch, case, limits):
    for name, value in limits.items():
        monkeypatch.setenv(name, value)

    ours, theirs = emitted(cheaper, CASES[case]), emitted(lambda logger: logger.emit, CASES[case])

    assert ours == theirs
    if case == "plain":
        assert len(ours[1]) == 1


@pytest.fixture
def logger():
    provider, keeping = LoggerProvider(shutdown_on_exit=False), Keeping()
    provider.add_log_record_processor(keeping)
    made = provider.get_logger("scope")
    return made, keeping


def test_attributes_are_those_of_their_time_and_can_be_changed_by_a_processor(logger):
    made, keeping = logger
    attributes = {"k": 1}
    cheaper(made)(LogRecord(attributes=attributes))
    attributes["k"] = "later"
    (record,) = keeping.records
    bounded = record.log_record.attributes
    bounded["added"] = [1]

    assert dict(bounded) == dict(copy.deepcopy(bounded)) == {"k": 1, "added": (1,)}
    del bounded["k"]
    assert list(bounded) == ["added"]


def test_each_record_has_a_lock_of_its_own(logger):
    made, keeping = logger
    for _ in range(2):
        cheaper(made)(LogRecord(attributes={"k": 1}))
    first, second = (record.log_record.attributes for record in keeping.records)

    with first._lock:
        second["k"] = 2
    assert dict(first) == {"k": 1}


def test_the_usual_is_not_left_to_the_sdk_and_the_rest_is(logger):
    made, keeping = logger
    emit = cheaper(made)
    with mock.patch.object(ReadWriteLogRecord, "__init__", side_effect=AssertionError):
        emit(LogRecord(attributes={"k": 1}))
        with pytest.raises(AssertionError):
            emit(LogRecord(attributes={"k": [1]}))

    assert len(keeping.kept) == 1


def test_a_logger_that_is_disabled_later_emits_nothing(logger):
    made, keeping = logger
    emit = cheaper(made)
    made._set_logger_config(type(made._logger_config)(is_enabled=False))
    emit(LogRecord(body="b"))

    assert keeping.kept == []


def test_the_resource_is_that_of_the_moment(logger):
    made, keeping = logger
    emit = cheaper(made)
    made._resource = Resource({"process": "child"})
    emit(LogRecord(body="b"))

    assert keeping.records[0].resource.attributes == {"process": "child"}


# ------------------------------------------------------------------- code that is not known


def test_a_patch_and_a_method_that_uses_another_name_are_not_known(monkeypatch, logger):
    made, sdk = logger[0], Logger.emit

    @functools.wraps(sdk)
    def patched(self, *args, **kwargs):
        return sdk(self, *args, **kwargs)

    other = FunctionType(sdk.__code__.replace(co_names=(*sdk.__code__.co_names, "sampling")), sdk.__globals__)
    for method in (patched, other, mock.Mock()):
        monkeypatch.setattr(Logger, "emit", method)
        assert cheaper_emit(made) is None


def test_a_patch_of_the_record_and_a_subclass_of_the_logger_are_not_known(monkeypatch, logger):
    class Mine(Logger):
        pass

    made = logger[0]
    monkeypatch.setattr(ReadWriteLogRecord, "__post_init__", lambda self: None)
    assert cheaper_emit(made) is None
    monkeypatch.undo()
    assert cheaper_emit(made) is not None
    made.__class__ = Mine
    assert cheaper_emit(made) is None


# ------------------------------------------------------------------- behind the error boundary


@pytest.fixture
def guarded():
    keeping, misused = Keeping(), []
    stages = StagedLogs([], Transforms([], ReadWriteLogRecord, print), [], [], print)
    provider = ScopedLoggerProvider(stages, shutdown_on_exit=False)
    provider.guard = ErrorBoundary(lambda *args: misused.append(args))
    provider.add_log_record_processor(keeping)
    return provider.get_logger("scope"), keeping, misused


def test_a_patch_has_its_effect_while_it_lasts_and_is_given_the_applications_record(guarded):
    made, keeping, _ = guarded
    record = LogRecord(body="b", attributes={"k": 1})
    with mock.patch.object(Logger, "emit") as emit:
        made.emit(record)
        made.emit(body="x")
        made.emit(record=record)
    assert emit.call_args_list == [mock.call(record), mock.call(body="x"), mock.call(record=record)]
    assert record.attributes == {"k": 1}

    made.emit(record)
    assert len(keeping.kept) == 1


def test_other_forms_of_the_call_reach_the_sdk(guarded):
    made, keeping, misused = guarded
    made.emit(body="by name", attributes={"k": [1]})
    made.emit(record=LogRecord(body="a record by name"))
    made.emit(ReadWriteLogRecord(LogRecord(body="the SDK's record")))
    made.emit()

    assert [record.log_record.body for record in keeping.records] == [
        "by name",
        "a record by name",
        "the SDK's record",
        None,
    ]
    assert misused == []


@pytest.mark.parametrize(
    "wrong",
    [lambda made: made.emit(LogRecord(), 2), lambda made: made.emit(LogRecord(), text="x"), lambda made: made.emit(3)],
)
def test_arguments_that_the_sdk_does_not_have_are_reported_and_not_raised(guarded, wrong):
    made, keeping, misused = guarded
    wrong(made)

    assert [args[0] for args in misused] == ["logger.emit"]
    assert keeping.kept == []

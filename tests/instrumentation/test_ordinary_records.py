"""The cheaper way of a log record leads to what OpenTelemetry's handler makes of it, and is used for known code only."""

from __future__ import annotations

import functools
import logging
import sys
from types import FunctionType
from unittest import mock

import pytest
from odd_values import Shown
from opentelemetry import context, trace
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from distrokit.instrumentation.log_capture import LogCapture
from distrokit.instrumentation.ordinary_records import cheaper_handle

LOGGER = logging.getLogger("ordinary")


class Keeping(LogRecordProcessor):
    def __init__(self):
        self.kept = []

    def on_emit(self, log_record):
        record = log_record.log_record
        fields = {name: value for name, value in vars(record).items() if name != "observed_timestamp"}
        assert record.observed_timestamp > 0
        self.kept.append(repr((fields, log_record.instrumentation_scope)))

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30_000):
        return True


class Mine(logging.LogRecord):
    pass


def made(msg="a text", args=(), level=logging.INFO, name="ordinary", exc_info=None, **extra):
    return LOGGER.makeRecord(name, level, "file.py", 7, msg, args, exc_info, "function", extra or None, "stack")


def raised():
    try:
        raise ValueError("it")
    except ValueError:
        return sys.exc_info()


def formatted(record):
    """As the application's own handler leaves it."""
    logging.Formatter("%(asctime)s %(message)s").format(record)
    return record


def without(record, name, value=None):
    del vars(record)[name]
    if value is not None:
        vars(record)[name] = value
    return record


def of(kind, record):
    record.__class__ = kind
    return record


#: Records, and whether they go the cheaper way.
CASES = {
    "plain": (made, True),
    "arguments": (lambda: made("%s and %d", ("one", 2)), True),
    "a mapping": (lambda: made("%(k)s", ({"k": 1},)), True),
    "an object": (lambda: made("%s", (Shown(),)), True),
    "extra": (lambda: made(b=1, a="x", c=None), True),
    "extra of any type": (lambda: made(k=[1, Shown()], l={"m": 1}), True),
    "after a formatter": (lambda: formatted(made("%s", ("x",), k=1)), True),
    "a warning": (lambda: made(level=logging.WARNING), True),
    "critical": (lambda: made(level=logging.CRITICAL), True),
    "a level between": (lambda: made(level=23), True),
    "a level above all": (lambda: made(level=1000), True),
    "level zero": (lambda: made(level=0), True),
    "an exception": (lambda: made(exc_info=raised()), False),
    "no exception": (lambda: made(exc_info=(None, None, None)), False),
    "an object for a text": (lambda: made(Shown()), False),
    "an event": (lambda: made(**{"event.name": "e", "k": 1}), False),
    "an event, by its new name": (lambda: made(**{"otel.event.name": "e"}), False),
    "a record of another class": (lambda: of(Mine, made(k=1)), False),
    "an attribute set again": (lambda: without(made(k=1), "lineno", 3), False),
    "the last attribute set again": (lambda: without(made(k=1), list(vars(made()))[-1], 3), False),
    "the last attribute of all set again": (lambda: without(made(), list(vars(made()))[-1], 3), True),
    "an attribute less": (lambda: without(made(k=1), "stack_info"), False),
    "made from a mapping": (
        lambda: logging.makeLogRecord(
            {"msg": "m", "name": "n", "k": 1, "created": 1.5, "levelno": 20, "levelname": "I"}
        ),
        True,
    ),
    "no name": (lambda: made(name=None), False),
}


def handler(provider=None, **arguments):
    return LoggingHandler(logger_provider=provider or LoggerProvider(shutdown_on_exit=False), **arguments)


def providers():
    provider, keeping = LoggerProvider(shutdown_on_exit=False), Keeping()
    provider.add_log_record_processor(keeping)
    return provider, keeping


def cheaper(handler):
    found = cheaper_handle(handler)
    assert found is not None, "this release has other code: see distrokit/instrumentation/ordinary_records.py"
    return found


def outcome(handle, record):
    try:
        return handle(record)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("in_span", [False, True])
def test_what_arrives_is_what_the_handler_makes_of_it(case, in_span):
    make, is_ordinary = CASES[case]
    record = make()
    (theirs, theirs_kept), (ours, ours_kept) = providers(), providers()
    here = context.Context()
    if in_span:
        here = trace.set_span_in_context(TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s"), here)
    token = context.attach(here)
    try:
        expected = outcome(handler(theirs).handle, record)
        handled = outcome(cheaper(handler(ours)), record)
    finally:
        context.detach(token)

    assert handled is is_ordinary
    assert ours_kept.kept == (theirs_kept.kept if is_ordinary else [])
    # Since Python 3.12 it returns the record.
    assert not is_ordinary or (expected and not isinstance(expected, type))
    if is_ordinary:
        assert ("'trace_id': 0," in ours_kept.kept[0]) is not in_span


def test_a_text_that_does_not_fit_its_arguments_raises_as_from_the_handler():
    provider, keeping = providers()
    with pytest.raises(TypeError):
        cheaper(handler(provider))(made("none", ("one",)))

    assert keeping.kept == []


def test_a_provider_that_has_no_loggers_is_given_nothing():
    assert cheaper(handler(NoOpLoggerProvider()))(made()) is True


def test_a_record_made_while_one_is_handled_is_left_to_the_handler():
    """It leaves such records out, or they would have no end."""
    provider, keeping = providers()
    mine, inner = handler(provider), []
    handle = cheaper(mine)

    class Logging:
        def __str__(self):
            inner.append(handle(made("from within")))
            return "text"

    assert handle(made("%s", (Logging(),))) is True
    assert inner == [False]
    assert len(keeping.kept) == 1
    # Afterwards as before.
    assert handle(made()) is True


@pytest.mark.parametrize(
    "change", [lambda mine: mine.addFilter(lambda record: False), lambda mine: mine.setFormatter(logging.Formatter())]
)
def test_a_handler_that_the_application_has_changed_handles_itself(change):
    mine = handler()
    handle = cheaper(mine)
    assert handle(made())
    change(mine)

    assert not handle(made())


@pytest.mark.parametrize("name", ["emit", "_translate", "_get_attributes"])
def test_a_patch_has_its_effect_while_it_lasts(name):
    mine = handler()
    handle, original = cheaper(mine), getattr(LoggingHandler, name)
    with mock.patch.object(LoggingHandler, name, lambda *args: original(*args) if args else None):
        assert not handle(made())
        # It cannot be told what it does.
        assert cheaper_handle(handler()) is None

    assert handle(made())


def test_other_handlers_and_other_code_are_not_known(monkeypatch):
    class Other(LoggingHandler):
        pass

    own = handler()
    own.emit = lambda record: None
    sdk = LoggingHandler._translate
    other = FunctionType(sdk.__code__.replace(co_names=(*sdk.__code__.co_names, "thread")), sdk.__globals__)

    assert cheaper_handle(Other(logger_provider=LoggerProvider(shutdown_on_exit=False))) is None
    assert cheaper_handle(logging.NullHandler()) is None
    assert cheaper_handle(own) is None
    assert cheaper_handle(handler(log_code_attributes=True)) is None
    monkeypatch.setattr(LoggingHandler, "_translate", other)
    assert cheaper_handle(handler()) is None
    monkeypatch.setattr(LoggingHandler, "_translate", functools.wraps(sdk)(lambda *args: sdk(*args) if args else None))
    assert cheaper_handle(handler()) is None


# ------------------------------------------------------------------- captured


@pytest.fixture
def captured(monkeypatch):
    monkeypatch.setattr(logging.Logger, "callHandlers", logging.Logger.callHandlers)
    monkeypatch.setattr(LOGGER, "propagate", False)
    monkeypatch.setattr(logging, "lastResort", None)
    provider, keeping = providers()
    problems, mine = [], handler(provider)

    class Instrumentation:
        def uninstrument(self):
            LOGGER.removeHandler(mine)

    instrumentation = Instrumentation()
    with LogCapture(problems.append).around(instrumentation, "logging"):
        LOGGER.addHandler(mine)
    yield keeping, problems
    instrumentation.uninstrument()


def log(record):
    # Without pytest's handlers, which format each record.
    with mock.patch.object(LOGGER, "handlers", []):
        LOGGER.callHandlers(record)


def test_each_record_arrives_once_whichever_way_it_goes(captured):
    keeping, problems = captured
    for make, _ in CASES.values():
        log(make())

    assert len(keeping.kept) == len(CASES)
    assert problems == []


def test_a_captured_record_that_cannot_be_formatted_arrives_with_its_bare_text(captured):
    keeping, problems = captured
    log(made("none", ("one",), k=1))

    (kept,) = keeping.kept
    assert "'body': 'none'" in kept
    assert problems == []


@pytest.mark.parametrize(("name", "arrives"), [("opentelemetry", 0), ("opentelemetry.sdk", 0), ("opentelemetryx.y", 1)])
def test_only_opentelemetrys_own_records_are_left_out(captured, name, arrives):
    log(made(name=name))

    assert len(captured[0].kept) == arrives

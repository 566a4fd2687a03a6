"""What instrumentations put into logging calls, one part at a time, in this process."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler

from distrokit.instrumentation.log_capture import LogCapture


class Recording(LoggingHandler):
    """A handler of OpenTelemetry's, without a pipeline."""

    def __init__(self):
        super().__init__()
        self.given = []

    def emit(self, record):
        self.given.append(record.getMessage())


class Failing(Recording):
    def emit(self, record):
        raise RuntimeError("it is broken")


class OnOneLogger:
    """An instrumentation with a handler on a logger that does not propagate, and with a record factory."""

    def __init__(self, handler, factory=None):
        self.logger, self.handler, self.factory = logging.getLogger("capture.one"), handler, factory
        self.logger.propagate = False

    def instrument(self):
        self.logger.addHandler(self.handler)
        if self.factory is not None:
            logging.setLogRecordFactory(self.factory)

    def uninstrument(self):
        self.logger.removeHandler(self.handler)


@pytest.fixture
def problems():
    return []


@pytest.fixture(autouse=True)
def _as_before():
    call, factory = logging.Logger.callHandlers, logging.getLogRecordFactory()
    yield
    logging.Logger.callHandlers = call
    logging.setLogRecordFactory(factory)


def applied(instrumentation, problems):
    capture = LogCapture(problems.append)
    with capture.around(instrumentation, "mine"):
        instrumentation.instrument()
    return instrumentation


def test_a_handler_on_a_named_logger_is_held_for_that_logger(problems):
    native = logging.Logger.callHandlers
    one = applied(OnOneLogger(Recording()), problems)

    logging.getLogger("capture.one.child").error("of a child")
    logging.getLogger("capture.other").error("of another")
    one.logger.error("its own")

    assert one.logger.handlers == []
    assert one.handler.given == ["of a child", "its own"]
    one.uninstrument()
    assert logging.Logger.callHandlers is native
    one.logger.error("afterwards")
    assert one.handler.given == ["of a child", "its own"]


def test_a_handler_that_raises_is_said_once_and_names_its_instrumentation(problems):
    one = applied(OnOneLogger(Failing()), problems)

    for _ in range(3):
        one.logger.error("x")

    (problem,) = problems
    assert str(problem).startswith(
        "log handler of instrumentation mine: RuntimeError: it is broken; the record is not exported"
    )


def test_a_wrapper_of_somebody_else_stays_when_the_instrumentation_goes(problems):
    one = applied(OnOneLogger(Recording()), problems)
    ours, names = logging.Logger.callHandlers, []

    def theirs(logger, record):
        names.append(record.name)
        ours(logger, record)

    logging.Logger.callHandlers = theirs
    one.uninstrument()
    one.logger.error("x")

    assert logging.Logger.callHandlers is theirs
    assert (names, one.handler.given) == (["capture.one"], [])


def test_a_record_factory_that_raises_costs_what_it_adds(problems):
    def factory(*args, **kwargs):
        raise LookupError("no span")

    one = applied(OnOneLogger(Recording(), factory), problems)
    one.logger.error("one")
    one.logger.error("two %s", "words")

    assert one.handler.given == ["one", "two words"]
    (problem,) = problems
    assert str(problem).startswith("log record factory of instrumentation mine: LookupError: no span; log records lack")


def test_a_factory_of_the_applications_own_that_raises_is_heard_as_ever(problems):
    def own(*args, **kwargs):
        raise LookupError("mine")

    logging.setLogRecordFactory(own)

    def factory(*args, **kwargs):
        return own(*args, **kwargs)

    one = applied(OnOneLogger(Recording(), factory), problems)

    with pytest.raises(LookupError, match="mine"):
        one.logger.error("x")
    assert problems == []
    logging.setLogRecordFactory(logging.LogRecord)


def test_what_a_handler_flushes_is_the_pipelines_to_flush(problems):
    flushed = []
    handler = Recording()
    handler.flush = lambda: flushed.append(1)
    one = applied(OnOneLogger(handler), problems)

    handler.flush()

    assert flushed == []
    one.uninstrument()

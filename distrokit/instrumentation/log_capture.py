"""What instrumentations put into the application's logging calls: held apart from its handlers, and contained.

OpenTelemetry's logging instrumentation puts a handler on the root logger. There it raises into ``logger.info()``, is
removed together with the application's own handlers, silences Python's last resort (opentelemetry-python#2594), keeps
``basicConfig`` from doing anything, and is flushed by ``logging.shutdown`` for as long as the receiver likes. So it is
taken off, and :meth:`logging.Logger.callHandlers` hands it each record that it would have got on that logger.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distrokit.diagnostics import WRITING
from distrokit.instrumentation.hooks import Report, reporting_once
from distrokit.pipeline.sdk_messages import exporting, makes_telemetry, of_opentelemetry

#: Loggers that do not propagate, and whose records are sent all the same: celery gives the logger above its tasks' a
#: handler with a format of its own. Otherwise what does not propagate is not sent, as with a handler on the root.
_PROPAGATING = frozenset({"celery.task"})


class LogCapture:
    """Of one process.

    Args:
        report: told, once per kind, what a handler or a record factory raises.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        # Never changed in place: other threads may be going through it.
        self._held: tuple[_Held, ...] = ()
        self._original: Callable[..., None] | None = None
        self._ours: Callable[..., None] | None = None

    @contextlib.contextmanager
    def around(self, instrumentor: Any, name: str) -> Iterator[None]:
        """Hold what the instrumentation puts on loggers inside the block, until its ``uninstrument()`` is called.

        Args:
            name: of the instrumentation, for problems.
        """
        before, factory = _handlers(), logging.getLogRecordFactory()
        try:
            yield
        finally:
            new = [(logger, handler) for key, (logger, handler) in _handlers().items() if key not in before]
            if new:
                self._hold(new, name)
                self._release_with(instrumentor, [handler for _, handler in new])
            if logging.getLogRecordFactory() is not factory:
                logging.setLogRecordFactory(self._guarded_factory(factory, name))

    def _hold(self, new: list[tuple[logging.Logger, logging.Handler]], name: str) -> None:
        outcome = "the record does not become telemetry, and the application goes on"
        failed = reporting_once(f"log handler of instrumentation {name}", self._report, outcome)
        for logger, handler in new:
            logger.removeHandler(handler)
            # logging.shutdown, which dictConfig calls as well, would wait for it; the pipeline is flushed by itself.
            setattr(handler, "flush", _nothing)  # noqa: B010  (of this handler only, and none of its class)
        self._held += tuple(_Held(logger, handler, failed) for logger, handler in new)
        self._begin()

    def _release_with(self, instrumentor: Any, handlers: list[logging.Handler]) -> None:
        """Put the handlers back when the instrumentation is taken back: it removes them itself."""
        uninstrument = getattr(instrumentor, "uninstrument", None)
        if not callable(uninstrument):
            return

        @functools.wraps(uninstrument)
        def released(*args: Any, **kwargs: Any) -> Any:
            vars(instrumentor).pop("uninstrument", None)
            self._release(handlers)
            return uninstrument(*args, **kwargs)

        with contextlib.suppress(AttributeError):
            instrumentor.uninstrument = released

    def _release(self, handlers: list[logging.Handler]) -> None:
        for held in self._held:
            if held.handler in handlers:
                vars(held.handler).pop("flush", None)
                held.logger.addHandler(held.handler)
        self._held = tuple(held for held in self._held if held.handler not in handlers)
        # Where somebody has wrapped it since, ours stays below and does nothing.
        if not self._held and self._original is not None and logging.Logger.callHandlers is self._ours:
            logging.Logger.callHandlers = self._original  # type: ignore[method-assign]
            self._original = self._ours = None

    def _begin(self) -> None:
        if self._original is not None:
            return
        original = self._original = logging.Logger.callHandlers
        hand_over = self._hand_over

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            try:
                original(logger, record)
            finally:
                # After the application's: what its filters take out of a record is not sent.
                hand_over(logger, record)

        # Handler.handleError prints the stack from the first frame outside of logging's folder on.
        place = str(Path(logging.__path__[0], "distrokit"))
        call_handlers.__code__ = call_handlers.__code__.replace(co_filename=place)
        functools.update_wrapper(call_handlers, original)
        self._ours = logging.Logger.callHandlers = call_handlers  # type: ignore[assignment,method-assign]

    def _hand_over(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        """Give a record to the held handlers of those loggers whose handlers have it from logging itself."""
        with contextlib.suppress(Exception):
            # What distrokit prints may come back, if stderr is sent to logging; and what an export logs would be
            # exported by the next one. When modules are taken apart, the pipeline is closed.
            if WRITING.get() or exporting() or of_opentelemetry(record) or sys.is_finalizing():
                return
            current: logging.Logger | None = logger
            while current is not None:
                for held in self._held:
                    if held.logger is current:
                        held.take(record)
                goes_on = current.propagate or current.name in _PROPAGATING
                current = current.parent if goes_on else None

    def _guarded_factory(self, before: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The factory that there is now; where it raises, the one before it makes the record."""
        factory = logging.getLogRecordFactory()
        outcome = "log records do without what it adds"
        failed = reporting_once(f"log record factory of instrumentation {name}", self._report, outcome)

        @functools.wraps(factory)
        def make(*args: Any, **kwargs: Any) -> Any:
            try:
                return factory(*args, **kwargs)
            except Exception as error:
                # One of the application's own that raises does so here as well.
                record = before(*args, **kwargs)
                failed(error)
                return record

        return make


class _Held:
    """A handler.

    Args:
        logger: where it stood.
        failed: told what it raises.
    """

    def __init__(self, logger: logging.Logger, handler: logging.Handler, failed: Callable[[Exception], None]) -> None:
        self.logger, self.handler, self._failed = logger, handler, failed

    def take(self, record: logging.LogRecord) -> None:
        """Handle a record; of one whose arguments do not fit its text, the text."""
        if record.levelno < self.handler.level:
            return
        try:
            self.handler.handle(record)
        except Exception:
            # Where the application's handlers format it, they say what is wrong with it.
            try:
                self.handler.handle(_unformatted(record))
            except Exception as error:
                self._failed(error)


def _unformatted(record: logging.LogRecord) -> logging.LogRecord:
    """A record that cannot be handled as it is, without what the application's own code makes text of."""
    plain = copy.copy(record)
    try:
        record.getMessage()
        plain.exc_info = None
    except Exception:
        plain.msg, plain.args = _text(record.msg), ()
    return plain


def _text(message: object) -> str:
    try:
        return str(message)
    except Exception:
        return f"<{type(message).__qualname__}>"


def _handlers() -> dict[tuple[int, int], tuple[logging.Logger, logging.Handler]]:
    """Those that make telemetry, each with the logger it stands on; by identity, since loggers need not be hashable."""
    known = list(logging.Logger.manager.loggerDict.values())
    loggers = [logging.getLogger(), *(each for each in known if isinstance(each, logging.Logger))]
    pairs = [(logger, handler) for logger in loggers for handler in logger.handlers if makes_telemetry(handler)]
    return {(id(logger), id(handler)): (logger, handler) for logger, handler in pairs}


def _nothing() -> None:
    """In place of a handler's ``flush``."""

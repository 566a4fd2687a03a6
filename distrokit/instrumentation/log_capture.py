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
from distrokit.sdk_messages import exporting, makes_telemetry, of_opentelemetry

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
        self._held: dict[logging.Logger, tuple[_Held, ...]] = {}
        self._original: Callable[..., None] | None = None
        self._ours: Callable[..., None] | None = None

    @contextlib.contextmanager
    def around(self, instrumentor: Any, name: str) -> Iterator[None]:
        """Hold what the instrumentation puts on loggers inside the block, until its ``uninstrument()`` is called.

        Args:
            name: of the instrumentation, for problems.
        """
        before, factory = set(_handlers()), logging.getLogRecordFactory()
        try:
            yield
        finally:
            held = [pair for pair in _handlers() if pair not in before]
            for logger, handler in held:
                self._hold(logger, handler, name)
            if held:
                self._release_with(instrumentor, held)
            if logging.getLogRecordFactory() is not factory:
                logging.setLogRecordFactory(self._guarded_factory(factory, name))

    def _hold(self, logger: logging.Logger, handler: logging.Handler, name: str) -> None:
        logger.removeHandler(handler)
        outcome = "the record does not become telemetry, and the application goes on"
        failed = reporting_once(f"log handler of instrumentation {name}", self._report, outcome)
        self._held[logger] = (*self._held.get(logger, ()), _Held(handler, failed))
        # logging.shutdown, which dictConfig calls as well, would wait for it; the pipeline is flushed by itself.
        setattr(handler, "flush", _nothing)  # noqa: B010  (of this handler only, and none of its class)
        self._begin()

    def _release_with(self, instrumentor: Any, held: list[tuple[logging.Logger, logging.Handler]]) -> None:
        """Put the handlers back when the instrumentation is taken back: it removes them itself."""
        uninstrument = getattr(instrumentor, "uninstrument", None)
        if not callable(uninstrument):
            return

        @functools.wraps(uninstrument)
        def released(*args: Any, **kwargs: Any) -> Any:
            vars(instrumentor).pop("uninstrument", None)
            for logger, handler in held:
                self._release(logger, handler)
            return uninstrument(*args, **kwargs)

        with contextlib.suppress(AttributeError):
            instrumentor.uninstrument = released

    def _release(self, logger: logging.Logger, handler: logging.Handler) -> None:
        left = tuple(held for held in self._held.pop(logger, ()) if held.handler is not handler)
        if left:
            self._held[logger] = left
        vars(handler).pop("flush", None)
        logger.addHandler(handler)
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
                for held in self._held.get(current, ()):
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
        failed: told what it raises.
    """

    def __init__(self, handler: logging.Handler, failed: Callable[[Exception], None]) -> None:
        self.handler, self._failed = handler, failed

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


def _handlers() -> list[tuple[logging.Logger, logging.Handler]]:
    """Those that make telemetry, each with the logger it stands on."""
    known = list(logging.Logger.manager.loggerDict.values())
    loggers = [logging.getLogger(), *(each for each in known if isinstance(each, logging.Logger))]
    return [(logger, handler) for logger in loggers for handler in logger.handlers if makes_telemetry(handler)]


def _nothing() -> None:
    """In place of a handler's ``flush``."""

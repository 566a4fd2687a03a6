"""Keeps the log handlers of instrumentations apart from the application's handlers, and contains their errors.

OpenTelemetry's logging instrumentation puts a handler on the root logger. There it raises into ``logger.info()``, is
removed together with the application's own handlers, disables Python's last resort (opentelemetry-python#2594) and
``basicConfig``, and makes ``logging.shutdown`` wait for the receiver. So distrokit removes it from the logger, and
:meth:`logging.Logger.callHandlers` passes it each record that it would have received there.
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
from distrokit.pipeline.sdk_messages import exporting, is_from_opentelemetry, makes_telemetry

#: Loggers that do not propagate, but whose records are exported: celery gives the parent logger of its tasks a handler
#: with its own format. Other records that do not propagate are not exported, as with a handler on the root logger.
_PROPAGATING = frozenset({"celery.task"})


class LogCapture:
    """The captured log handlers of one process.

    Args:
        report: receives exceptions of handlers and record factories, once per type.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        # Replaced, never changed in place: other threads may iterate over it.
        self._held: tuple[_Held, ...] = ()
        self._original: Callable[..., None] | None = None
        self._ours: Callable[..., None] | None = None

    @contextlib.contextmanager
    def around(self, instrumentor: Any, name: str) -> Iterator[None]:
        """Capture the handlers that the instrumentation adds inside the block, until its ``uninstrument()`` is called.

        Args:
            name: the instrumentation's name, for problems.
        """
        before, factory = _telemetry_handlers(), logging.getLogRecordFactory()
        try:
            yield
        finally:
            new = [(logger, handler) for key, (logger, handler) in _telemetry_handlers().items() if key not in before]
            if new:
                self._hold(new, name)
                self._release_with(instrumentor, [handler for _, handler in new])
            if logging.getLogRecordFactory() is not factory:
                logging.setLogRecordFactory(self._guarded_factory(factory, name))

    def _hold(self, new: list[tuple[logging.Logger, logging.Handler]], name: str) -> None:
        outcome = "the record is not exported; the application continues"
        failed = reporting_once(f"log handler of instrumentation {name}", self._report, outcome)
        for logger, handler in new:
            logger.removeHandler(handler)
            # logging.shutdown, which dictConfig calls, too, would wait for it; the pipeline flushes itself.
            setattr(handler, "flush", _no_flush)  # noqa: B010  (on this handler only, not on its class)
        self._held += tuple(_Held(logger, handler, failed) for logger, handler in new)
        self._replace_call_handlers()

    def _release_with(self, instrumentor: Any, handlers: list[logging.Handler]) -> None:
        """Put the handlers back on ``uninstrument()``, which removes them itself."""
        uninstrument = getattr(instrumentor, "uninstrument", None)
        if not callable(uninstrument):
            return

        @functools.wraps(uninstrument)
        def release_and_uninstrument(*args: Any, **kwargs: Any) -> Any:
            vars(instrumentor).pop("uninstrument", None)
            self._release(handlers)
            return uninstrument(*args, **kwargs)

        with contextlib.suppress(AttributeError):
            instrumentor.uninstrument = release_and_uninstrument

    def _release(self, handlers: list[logging.Handler]) -> None:
        for held in self._held:
            if held.handler in handlers:
                vars(held.handler).pop("flush", None)
                held.logger.addHandler(held.handler)
        self._held = tuple(held for held in self._held if held.handler not in handlers)
        # If other code has wrapped it since, this wrapper stays below and does nothing.
        if not self._held and self._original is not None and logging.Logger.callHandlers is self._ours:
            logging.Logger.callHandlers = self._original  # type: ignore[method-assign]  # as it was
            self._original = self._ours = None

    def _replace_call_handlers(self) -> None:
        if self._original is not None:
            return
        original = self._original = logging.Logger.callHandlers
        pass_to_held = self._pass_to_held

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            try:
                original(logger, record)
            finally:
                # After the application's handlers: text that their filters remove from a record is not exported.
                pass_to_held(logger, record)

        # Handler.handleError leaves frames of logging's folder out of its stack; this frame belongs to them.
        place = str(Path(logging.__path__[0], "distrokit"))
        call_handlers.__code__ = call_handlers.__code__.replace(co_filename=place)
        functools.update_wrapper(call_handlers, original)
        self._ours = logging.Logger.callHandlers = call_handlers  # type: ignore[assignment,method-assign]  # it is put back

    def _pass_to_held(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        """Pass a record to the captured handlers of each logger whose handlers logging itself calls."""
        try:
            # If stderr is redirected to logging, distrokit's own messages come back; and messages of one export would
            # be exported by the next. While the interpreter is finalizing, the pipeline is closed.
            if WRITING.get() or exporting() or sys.is_finalizing():
                return
            name = record.name
            if (type(name) is not str or name.startswith("opentelemetry")) and is_from_opentelemetry(record):
                return
            held_handlers = self._held
            current: logging.Logger | None = logger
            while current is not None:
                for held in held_handlers:
                    if held.logger is current:
                        held.take(record)
                current = current.parent if current.propagate or current.name in _PROPAGATING else None
        except Exception:  # noqa: S110  (the application's call must not raise, and a message may come back here)
            pass

    def _guarded_factory(self, before: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Return the present factory; if it raises, the previous one makes the record."""
        factory = logging.getLogRecordFactory()
        outcome = "log records lack what it adds"
        failed = reporting_once(f"log record factory of instrumentation {name}", self._report, outcome)

        @functools.wraps(factory)
        def make(*args: Any, **kwargs: Any) -> Any:
            try:
                return factory(*args, **kwargs)
            except Exception as error:
                # The application's own factory may raise here, as it would without distrokit.
                record = before(*args, **kwargs)
                failed(error)
                return record

        return make


class _Held:
    """A captured handler.

    Args:
        logger: the logger that it was on.
        failed: receives its exceptions.
    """

    def __init__(self, logger: logging.Logger, handler: logging.Handler, failed: Callable[[Exception], None]) -> None:
        self.logger, self.handler, self._failed = logger, handler, failed
        # Imported here, since this module is imported where OpenTelemetry is not.
        from distrokit.instrumentation.ordinary_records import cheaper_handle

        self._handle = cheaper_handle(handler) or _leave

    def take(self, record: logging.LogRecord) -> None:
        """Handle a record; if its arguments do not fit its text, handle the bare text."""
        if record.levelno < self.handler.level:
            return
        try:
            if not self._handle(record):
                self.handler.handle(record)
        except Exception:
            # The application's handlers report the formatting error themselves.
            try:
                self.handler.handle(_without_formatting(record))
            except Exception as error:
                self._failed(error)


def _without_formatting(record: logging.LogRecord) -> logging.LogRecord:
    """Copy a record that cannot be handled, without the parts that the application's code formats."""
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


def _telemetry_handlers() -> dict[tuple[int, int], tuple[logging.Logger, logging.Handler]]:
    """Return telemetry handlers with their loggers, by identity, since loggers need not be hashable."""
    known = list(logging.Logger.manager.loggerDict.values())
    loggers = [logging.getLogger(), *(each for each in known if isinstance(each, logging.Logger))]
    pairs = [(logger, handler) for logger in loggers for handler in logger.handlers if makes_telemetry(handler)]
    return {(id(logger), id(handler)): (logger, handler) for logger, handler in pairs}


def _leave(record: logging.LogRecord) -> bool:
    """Leave a record to its handler."""
    return False


def _no_flush() -> None:
    """Replace a handler's ``flush``."""

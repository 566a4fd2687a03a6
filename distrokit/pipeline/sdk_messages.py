"""Routing of the messages that OpenTelemetry logs about itself: to stderr, and never into the pipeline.

Otherwise an application that logs to a file only would hide "failed to export" from the console
(opentelemetry-python#2594), and the exporter that fails would have to export the message.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from copy import copy

from distrokit.diagnostics import Channel, Mask, describe_exception, write
from distrokit.pipeline.rate_limit import RateLimiter, summarize, text_of
from distrokit.plugins.distributions import raised_by

#: Messages captured from the export under way in this thread; ``None`` outside of an export.
_CAPTURED: ContextVar[list[logging.LogRecord] | None] = ContextVar("distrokit_caught", default=None)

#: True while this thread runs an exporter's code.
_IN_EXPORTER: ContextVar[bool] = ContextVar("distrokit_in_exporter", default=False)

#: Handlers that do not write to the console. Every other handler is assumed to show its messages.
_NOT_CONSOLE = {
    "BufferingHandler",
    "FileHandler",
    "HTTPHandler",
    "NTEventLogHandler",
    "NullHandler",
    "SMTPHandler",
    "SocketHandler",
    "SysLogHandler",
}


class SDKMessages(logging.Handler):
    """The handler of the ``opentelemetry`` logger, which does not propagate.

    It passes each message to the root logger's handlers, except those that make telemetry of it. If none of them writes
    to the console, it prints the message on stderr. Messages of an export go to the summary of losses instead
    (:func:`capture_sdk_messages`).

    Args:
        threshold: a :mod:`logging` level; messages below it are not printed on stderr.
        mask: masks secrets in printed messages.
    """

    def __init__(self, threshold: int, mask: Mask) -> None:
        super().__init__()
        self.threshold = threshold
        self.mask = mask
        self._loggers = -1
        self._rate_limiter = RateLimiter()
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Overriding of current"):
            # Imported here, since this module is among the public names.
            from distrokit.pipeline.overriding import explain_overriding

            explained = explain_overriding(record)
            if explained is None:
                return
            record = explained
        captured = _CAPTURED.get()
        if captured is not None:
            captured.append(record)
        if captured is None or self.threshold <= logging.DEBUG:
            self.show(record)

    def show(self, record: logging.LogRecord) -> None:
        """Pass a message on, or print it; messages that are alike are rate-limited and counted."""
        if self.threshold > logging.DEBUG:
            left_out = self._rate_limiter.count(record)
            if left_out is None:
                return
            if left_out:
                self._pass_on(summarize(record, left_out))
        self._pass_on(record)

    def finish(self) -> None:
        """Report how many messages were left out."""
        for record, left_out in self._rate_limiter.finish():
            self._pass_on(summarize(record, left_out))

    def _shorten(self, record: logging.LogRecord) -> logging.LogRecord:
        """Replace the traceback by the exception and the package that raised it, unless the level is debug."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self.threshold <= logging.DEBUG:
            return record
        short = copy(record)
        try:
            owner = raised_by(error)
            text = text_of(record).rstrip(" .:")
        except Exception:
            return record
        short.msg = f"{text}: {describe_exception(error)}{f' ({owner})' if owner else ''}"
        short.args, short.exc_info, short.exc_text = None, None, None
        return short

    def _pass_on(self, record: logging.LogRecord) -> None:
        record = self._shorten(record)
        own = [handler for handler in logging.getLogger("opentelemetry").handlers if handler is not self]
        # Logging itself calls the other handlers of this logger.
        shown = any(_writes_to_console(handler) and record.levelno >= handler.level for handler in own)
        for handler in logging.getLogger().handlers:
            if handler not in own and _handle(handler, record):
                shown = shown or _writes_to_console(handler)
        if not shown and record.levelno >= self.threshold:
            with contextlib.suppress(Exception):
                write(self.mask(self.format(record)))

    def keep(self) -> None:
        """Put the handler back if it was removed, and keep OpenTelemetry's present loggers from being disabled."""
        logger = logging.getLogger("opentelemetry")
        if self not in logger.handlers:
            # A logging configuration that names this logger removes its handlers.
            logger.addHandler(self)
            logger.propagate = False
        known = logging.Logger.manager.loggerDict
        if len(known) == self._loggers:
            return
        self._loggers = len(known)
        for name, each in list(known.items()):
            # A logger of another class was made so on purpose.
            if name.partition(".")[0] == "opentelemetry" and type(each) is logging.Logger:
                each.__class__ = _Enabled


def _handle(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Give a record to a handler, unless it makes telemetry of it; return true if it handled the record."""
    if record.levelno < handler.level or makes_telemetry(handler):
        return False
    try:
        # Some third-party handlers return nothing.
        handled: object = handler.handle(record)
        return handled is not False
    except Exception:
        return False


def _writes_to_console(handler: logging.Handler) -> bool:
    """True if a handler writes to the console."""
    if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
        stream = handler.stream
        standard = (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)
        return stream in standard or getattr(stream, "name", None) in ("<stderr>", "<stdout>")
    return not any(kind.__name__ in _NOT_CONSOLE for kind in type(handler).__mro__)


def note(text: str) -> None:
    """Pass a printed line to those handlers of the root logger that do not write to the console."""
    record = logging.LogRecord("distrokit", logging.ERROR, __file__, 0, text, None, None)
    for handler in logging.getLogger().handlers:
        if not _writes_to_console(handler):
            _handle(handler, record)


@contextlib.contextmanager
def capture_sdk_messages() -> Iterator[list[logging.LogRecord]]:
    """Collect what OpenTelemetry logs in this thread inside the block; messages left in the list are then shown."""
    records: list[logging.LogRecord] = []
    token = _CAPTURED.set(records)
    try:
        with in_exporter():
            yield records
    finally:
        _CAPTURED.reset(token)
        for handler in logging.getLogger("opentelemetry").handlers if records else ():
            if isinstance(handler, SDKMessages) and handler.threshold > logging.DEBUG:
                for record in records:
                    handler.show(record)


@contextlib.contextmanager
def in_exporter() -> Iterator[None]:
    """Mark telemetry recorded in this thread inside the block as the exporter's own."""
    token = _IN_EXPORTER.set(True)
    try:
        yield
    finally:
        _IN_EXPORTER.reset(token)


def exporting() -> bool:
    """True while an exporter runs in this thread: the next export would export what it logs."""
    return _IN_EXPORTER.get()


def is_from_opentelemetry(record: logging.LogRecord) -> bool:
    """True if OpenTelemetry logs about itself."""
    # A record made by hand may have no name.
    return str(record.name).partition(".")[0] == "opentelemetry"


def listen_to_sdk(channel: Channel, explicit: bool) -> SDKMessages:
    """Put :class:`SDKMessages` on the ``opentelemetry`` logger, once; update its level.

    Args:
        channel: gives the level and the mask.
        explicit: true if the user set the level; only then the logger's own level changes, too.
    """
    logger = logging.getLogger("opentelemetry")
    if explicit:
        logger.setLevel(channel.level)
    present = [handler for handler in logger.handlers if isinstance(handler, SDKMessages)]
    messages = present[0] if present else SDKMessages(channel.level, channel.mask)
    messages.threshold = channel.level
    messages.keep()
    return messages


class _Enabled(logging.Logger):
    """A logger that ``disable_existing_loggers``, the default of ``dictConfig`` and ``fileConfig``, cannot disable."""

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: bool
    ) -> None:
        """Ignore the value; use the level to silence messages."""


def makes_telemetry(handler: logging.Handler) -> bool:
    """True for OpenTelemetry's log handlers: the instrumentation's, or the SDK's deprecated one."""
    return any(kind.__module__.partition(".")[0] == "opentelemetry" for kind in type(handler).__mro__)

"""What OpenTelemetry's parts log about themselves: it reaches stderr, and never the pipeline it is about.

Otherwise "failed to export" would reach nobody where an application has set up logging without the console
(opentelemetry-python#2594), and the exporter that fails would be given it to export.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from copy import copy

from distrokit.diagnostics import Channel, Mask, describe_exception, write
from distrokit.pipeline.rate_limit import RateLimiter, alike
from distrokit.plugins.distributions import raised_by

#: What was said during the export under way in this thread; ``None`` outside of one.
_CAUGHT: ContextVar[list[logging.LogRecord] | None] = ContextVar("distrokit_caught", default=None)

#: Whether this thread is in the middle of an exporter's code.
_IN_EXPORTER: ContextVar[bool] = ContextVar("distrokit_in_exporter", default=False)

#: Handlers that write elsewhere than to the console. Any other is taken for one that shows, however it does it.
_ELSEWHERE = {
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
    """Stands on the ``opentelemetry`` logger, and is the only way on from there.

    A message goes to the root logger's handlers, as it would have gone, but not to those that make telemetry
    of it; where none of them shows it on the console, it is printed here. What is said during an export is
    kept for the tally of losses instead (:func:`caught`).

    Args:
        threshold: a :mod:`logging` level; what is below it is not printed here.
        mask: takes secrets out of what is printed here.
    """

    def __init__(self, threshold: int, mask: Mask) -> None:
        super().__init__()
        self.threshold = threshold
        self.mask = mask
        self._loggers = -1
        self._rate_limiter = RateLimiter()
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        capture_sdk_messages = _CAUGHT.get()
        if capture_sdk_messages is not None:
            capture_sdk_messages.append(record)
        if capture_sdk_messages is None or self.threshold <= logging.DEBUG:
            self.show(record)

    def show(self, record: logging.LogRecord) -> None:
        """Hand it on, or print it; of many alike only the first ones, and how many there were."""
        if self.threshold > logging.DEBUG:
            more = self._rate_limiter.more(record)
            if more is None:
                return
            if more:
                self._hand_on(alike(record, more))
        self._hand_on(record)

    def finish(self) -> None:
        """Say how many messages were not shown."""
        for record, more in self._rate_limiter.finish():
            self._hand_on(alike(record, more))

    def _on_one_line(self, record: logging.LogRecord) -> logging.LogRecord:
        """With the exception and whose code raised it in place of the traceback, which is shown at debug."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self.threshold <= logging.DEBUG:
            return record
        short = copy(record)
        try:
            owner = raised_by(error)
            text = record.getMessage().rstrip(" .:")
        except Exception:
            return record
        short.msg = f"{text}: {describe_exception(error)}{f' ({owner})' if owner else ''}"
        short.args, short.exc_info, short.exc_text = None, None, None
        return short

    def _hand_on(self, record: logging.LogRecord) -> None:
        record = self._on_one_line(record)
        own = [handler for handler in logging.getLogger("opentelemetry").handlers if handler is not self]
        # Those beside this one have it from logging itself.
        shown = any(_shows(handler) and record.levelno >= handler.level for handler in own)
        for handler in logging.getLogger().handlers:
            if handler not in own and _taken(handler, record):
                shown = shown or _shows(handler)
        if not shown and record.levelno >= self.threshold:
            with contextlib.suppress(Exception):
                write(self.mask(self.format(record)))

    def keep(self) -> None:
        """Stay where it is, and let no logging set-up switch off OpenTelemetry's loggers, those that exist by now."""
        logger = logging.getLogger("opentelemetry")
        if self not in logger.handlers:
            # A set-up that names this logger takes all handlers from it.
            logger.addHandler(self)
            logger.propagate = False
        known = logging.Logger.manager.loggerDict
        if len(known) == self._loggers:
            return
        self._loggers = len(known)
        for name, each in list(known.items()):
            # A logger of a class of its own is somebody's intention.
            if name.partition(".")[0] == "opentelemetry" and type(each) is logging.Logger:
                each.__class__ = _Enabled


def _taken(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Give a record to a handler, unless it makes telemetry of it; whether it took it."""
    if record.levelno < handler.level or makes_telemetry(handler):
        return False
    try:
        # Some handlers of others answer nothing.
        taken: object = handler.handle(record)
        return taken is not False
    except Exception:
        return False


def _shows(handler: logging.Handler) -> bool:
    """Whether a handler writes to the console."""
    if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
        stream = handler.stream
        standard = (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)
        return stream in standard or getattr(stream, "name", None) in ("<stderr>", "<stdout>")
    return not any(kind.__name__ in _ELSEWHERE for kind in type(handler).__mro__)


def note(text: str) -> None:
    """Give a line that was printed to those handlers of the root that keep messages elsewhere than on the console."""
    record = logging.LogRecord("distrokit", logging.ERROR, __file__, 0, text, None, None)
    for handler in logging.getLogger().handlers:
        if not _shows(handler):
            _taken(handler, record)


@contextlib.contextmanager
def capture_sdk_messages() -> Iterator[list[logging.LogRecord]]:
    """Collect what OpenTelemetry says in this thread meanwhile; what is left in the list is shown afterwards."""
    records: list[logging.LogRecord] = []
    token = _CAUGHT.set(records)
    try:
        with in_exporter():
            yield records
    finally:
        _CAUGHT.reset(token)
        for handler in logging.getLogger("opentelemetry").handlers if records else ():
            if isinstance(handler, SDKMessages) and handler.threshold > logging.DEBUG:
                for record in records:
                    handler.show(record)


@contextlib.contextmanager
def in_exporter() -> Iterator[None]:
    """Mark what is recorded in this thread meanwhile as the exporter's own."""
    token = _IN_EXPORTER.set(True)
    try:
        yield
    finally:
        _IN_EXPORTER.reset(token)


def exporting() -> bool:
    """Whether an exporter runs in this thread: what is logged meanwhile would be exported by the next export."""
    return _IN_EXPORTER.get()


def of_opentelemetry(record: logging.LogRecord) -> bool:
    """Whether one of OpenTelemetry's parts logs about itself."""
    # One that was made by hand may have no name.
    return str(record.name).partition(".")[0] == "opentelemetry"


def listen_to_sdk(channel: Channel, explicit: bool) -> SDKMessages:
    """Put :class:`SDKMessages` on the ``opentelemetry`` logger, once.

    Args:
        channel: its level and its mask apply.
        explicit: whether the user set the level; only then the logger's own is changed, too.
    """
    logger = logging.getLogger("opentelemetry")
    if explicit:
        logger.setLevel(channel.level)
    there = [handler for handler in logger.handlers if isinstance(handler, SDKMessages)]
    messages = there[0] if there else SDKMessages(channel.level, channel.mask)
    messages.threshold = channel.level
    messages.keep()
    return messages


class _Enabled(logging.Logger):
    """A logger that ``disable_existing_loggers``, which is ``dictConfig``'s and ``fileConfig``'s default, leaves on."""

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: bool
    ) -> None:
        """A level says which messages are wanted; this does not."""


def makes_telemetry(handler: logging.Handler) -> bool:
    """Whether it is one of OpenTelemetry's log handlers: the instrumentation's, or the SDK's deprecated one."""
    return any(kind.__module__.partition(".")[0] == "opentelemetry" for kind in type(handler).__mro__)

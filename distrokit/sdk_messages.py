"""What OpenTelemetry and the application say through :mod:`logging`: it reaches stderr, and never the pipeline.

OpenTelemetry's log handler on the root logger silences Python's last resort (opentelemetry-python#2594): then
"failed to export" reaches nobody, nor does a warning of an application that has no logging set-up. And it would
send OpenTelemetry's own messages into the pipeline they are about.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar

from distrokit.diagnostics import Channel, Mask, write

#: What was said during the export under way in this thread; ``None`` outside of one.
_CAUGHT: ContextVar[list[logging.LogRecord] | None] = ContextVar("distrokit_caught", default=None)


class SDKMessages(logging.Handler):
    """Stands on the ``opentelemetry`` logger, and is the only way on from there.

    A message goes to the root logger's handlers, as it would have gone, but not to those that make telemetry
    of it; where none of them prints to stderr or stdout, it is printed here. What is said during an export is
    kept for the tally of losses instead (:func:`caught`).

    Args:
        threshold: a :mod:`logging` level; what is below it is not printed here.
        mask: takes secrets out of what is printed here.
    """

    def __init__(self, threshold: int, mask: Mask) -> None:
        super().__init__()
        self.threshold = threshold
        self.mask = mask

    def emit(self, record: logging.LogRecord) -> None:
        caught = _CAUGHT.get()
        if caught is not None and self.threshold > logging.DEBUG:
            caught.append(record)
        else:
            self.show(record)

    def show(self, record: logging.LogRecord) -> None:
        """Hand it on, or print it."""
        with contextlib.suppress(Exception):
            if not _handed_on(record) and record.levelno >= self.threshold:
                write(self.mask(self.format(record)))


def _handed_on(record: logging.LogRecord) -> bool:
    """Give the record to the root's handlers; whether one of them printed it."""
    printed = False
    for handler in logging.getLogger().handlers:
        if record.levelno >= handler.level and not makes_telemetry(handler):
            handler.handle(record)
            printed = printed or getattr(handler, "stream", None) in (sys.stderr, sys.stdout)
    return printed


@contextlib.contextmanager
def caught() -> Iterator[list[logging.LogRecord]]:
    """Collect what OpenTelemetry says in this thread meanwhile; what is left in the list is shown afterwards."""
    records: list[logging.LogRecord] = []
    token = _CAUGHT.set(records)
    try:
        yield records
    finally:
        _CAUGHT.reset(token)
        for handler in logging.getLogger("opentelemetry").handlers if records else ():
            if isinstance(handler, SDKMessages):
                for record in records:
                    handler.show(record)


def listen_to_sdk(channel: Channel, explicit: bool) -> None:
    """Put :class:`SDKMessages` on the ``opentelemetry`` logger, once.

    Args:
        channel: its level and its mask apply.
        explicit: whether the user set the level; only then the logger's own is changed, too.
    """
    logger = logging.getLogger("opentelemetry")
    if explicit:
        logger.setLevel(channel.level)
    logger.propagate = False
    keep_enabled()
    for handler in logger.handlers:
        if isinstance(handler, SDKMessages):
            handler.threshold = channel.level
            return
    messages = SDKMessages(channel.level, channel.mask)
    messages.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.addHandler(messages)


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


def keep_enabled() -> None:
    """Let no logging set-up switch off OpenTelemetry's loggers, those that exist by now."""
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        # A logger of a class of its own is somebody's intention.
        if name.partition(".")[0] == "opentelemetry" and type(logger) is logging.Logger:
            logger.__class__ = _Enabled


class Bystander(logging.Filter):
    """On a handler that makes telemetry of log records: it changes nothing else in the process.

    OpenTelemetry's own messages do not pass, and a record that no other handler would show is shown as Python
    shows it when there is no handler at all.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] == "opentelemetry":
            return False
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not _has_another_handler(record.name):
            last.handle(record)
        return True


def stand_by() -> None:
    """Put :class:`Bystander` on those handlers of the root logger that make telemetry, once each."""
    for handler in logging.getLogger().handlers:
        if makes_telemetry(handler) and not any(isinstance(f, Bystander) for f in handler.filters):
            handler.addFilter(Bystander())


def makes_telemetry(handler: logging.Handler) -> bool:
    """Whether it is one of OpenTelemetry's log handlers: the instrumentation's, or the SDK's deprecated one."""
    return any(kind.__module__.partition(".")[0] == "opentelemetry" for kind in type(handler).__mro__)


def _has_another_handler(name: str) -> bool:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if any(not makes_telemetry(handler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False

"""A cheaper form of what OpenTelemetry's log handler does with an ordinary record.

The handler looks its logger up for each record, behind two locks, and walks over the two dozen attributes that every
record has. :func:`cheaper_handle` does the same for records without an exception whose text is a string; for any other
record it does nothing, so that the handler itself handles it.

This is the only module that uses private names of ``opentelemetry.instrumentation.logging.handler``: ``LoggingHandler``
with ``_translate``, ``_get_attributes``, ``_is_emitting``, ``_logger_provider`` and ``_log_code_attributes``, and the
module's ``_RESERVED_ATTRS``. It does so only if the handler's code is known.
"""
# ruff: noqa: SLF001

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from time import time_ns
from typing import Any

from opentelemetry._logs import LogRecord, NoOpLogger, get_logger
from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN_CONTEXT, get_current_span

from distrokit.pipeline.known_code import is_known

_MODULE = "opentelemetry.instrumentation.logging.handler"
#: The names that the methods use, and those that one uses in some releases only.
_EMIT = (
    "NoOpLogger _internal_logger _is_emitting _logger_provider _translate emit get get_logger isinstance name reset "
    "set warning"
)
_TRANSLATE = (
    "LogRecord _get_attributes created format formatter get getMessage get_current int levelname levelno std_to_otel "
    "time_ns"
)
_GET_ATTRIBUTES = (
    "CODE_FILE_PATH CODE_FUNCTION_NAME CODE_LINE_NUMBER EXCEPTION_MESSAGE EXCEPTION_STACKTRACE EXCEPTION_TYPE __name__ "
    "_log_code_attributes args code_attributes exc_info exception_attributes format_exception funcName items join "
    "lineno pathname str traceback vars"
)
_IN_SOME_RELEASES = "EVENT_NAME OTEL_EVENT_NAME _RESERVED_ATTRS event_attributes otel_attributes pop"
#: The attributes of the API's record.
_FIELDS = {
    "timestamp", "observed_timestamp", "context", "trace_id", "span_id", "trace_flags", "severity_text",
    "severity_number", "body", "attributes", "event_name", "exception",
}  # fmt: skip
#: Attributes of which some releases make the name of an event.
_EVENT_NAME, _OLD_EVENT_NAME = "otel.event.name", "event.name"
_SEVERITY_TEXTS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_NOWHERE = INVALID_SPAN_CONTEXT.trace_id, INVALID_SPAN_CONTEXT.span_id, INVALID_SPAN_CONTEXT.trace_flags
#: The largest number of loggers, and of severities, that are kept.
_KEPT = 4096


def cheaper_handle(handler: logging.Handler) -> Callable[[logging.LogRecord], bool] | None:
    """Return a function that handles a record as this handler does, or returns false; ``None`` for other handlers."""
    kind: Any = type(handler)
    if not _is_known_handler(handler):
        return None
    emit, translate, get_attributes, is_emitting = kind.emit, kind._translate, kind._get_attributes, kind._is_emitting
    reserved, provider = translate.__globals__["_RESERVED_ATTRS"], vars(handler)["_logger_provider"]
    own = _own_attributes()
    number, last = len(own), own[-1]
    severities, loggers = _Found(translate.__globals__["std_to_otel"]), _Found(partial(_find_logger, provider))

    # One function, since each call more would cost time in the application's loops.
    def handle(record: logging.LogRecord) -> bool:
        kept, extra = record.__dict__, []
        for name in reversed(kept):
            if name == last:
                break
            extra.append(name)
        if (
            # Otherwise an attribute was deleted, and perhaps set again.
            len(kept) - len(extra) != number
            or type(record) is not logging.LogRecord
            or record.exc_info
            or type(record.msg) is not str
            or type(record.name) is not str
            or handler.filters
            or handler.formatter is not None
            # Another library has patched the class since.
            or kind.emit is not emit
            or kind._translate is not translate
            or kind._get_attributes is not get_attributes
            # The handler says that it does not handle it.
            or is_emitting.get()
        ):
            return False
        attributes: dict[str, Any] = {}
        for name in reversed(extra):
            if name not in reserved:
                attributes[name] = kept[name]
        if _EVENT_NAME in attributes or _OLD_EVENT_NAME in attributes:
            return False
        token = is_emitting.set(True)
        try:
            logger = loggers[record.name]
            if logger is not None:
                logger.emit(_make_record(record, severities[record.levelno], attributes))
        finally:
            is_emitting.reset(token)
        return True

    return handle


def _make_record(record: logging.LogRecord, severity: Any, attributes: dict[str, Any]) -> LogRecord:
    """Return the API's record, as its constructor makes it."""
    made, level, context = object.__new__(LogRecord), record.levelname, get_current()
    made.timestamp = int(record.created * 1e9)
    made.observed_timestamp = time_ns()
    made.context = context
    # In an empty context no span is current.
    made.trace_id, made.span_id, made.trace_flags = _span_of(context) if context else _NOWHERE
    made.severity_text = _SEVERITY_TEXTS.get(level, level)
    made.severity_number = severity
    made.body = record.getMessage()
    made.attributes = attributes
    made.event_name = made.exception = None
    return made


def _span_of(context: Context) -> tuple[int, int, Any]:
    span = get_current_span(context).get_span_context()
    return span.trace_id, span.span_id, span.trace_flags


class _Found(dict[Any, Any]):
    """The results of a look-up, by level or name.

    Args:
        find: called for each key once.
    """

    def __init__(self, find: Callable[[Any], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: Any) -> Any:
        found = self._find(key)
        if len(self) >= _KEPT:
            self.clear()
        self[key] = found
        return found


def _find_logger(provider: Any, name: str) -> Any:
    """Return OpenTelemetry's logger of this name; ``None`` for one that does nothing."""
    found = get_logger(name, logger_provider=provider)
    return None if isinstance(found, NoOpLogger) else found


def _own_attributes() -> list[str]:
    """Return the names of the attributes that every record has, in the order in which it has them."""
    return list(vars(logging.LogRecord("", logging.INFO, "", 0, "", None, None)))


def _is_known_handler(handler: logging.Handler) -> bool:
    """Tell whether this is OpenTelemetry's handler, and does what it does in the known releases."""
    kind: Any = type(handler)
    return (
        kind.__qualname__ == "LoggingHandler"
        and kind.handle is logging.Handler.handle
        and is_known(getattr(kind, "emit", None), _MODULE, _EMIT)
        and is_known(getattr(kind, "_translate", None), _MODULE, _TRANSLATE)
        and is_known(getattr(kind, "_get_attributes", None), _MODULE, _GET_ATTRIBUTES, _IN_SOME_RELEASES)
        and isinstance(getattr(kind, "_is_emitting", None), ContextVar)
        # A method on the object itself would be called in place of the class's.
        and vars(handler).keys().isdisjoint({"handle", "emit", "_translate", "_get_attributes"})
        and vars(handler).get("_logger_provider") is not None
        and vars(handler).get("_log_code_attributes") is False
        and _is_known_module(kind.emit.__globals__)
        and vars(LogRecord()).keys() == _FIELDS
    )


def _is_known_module(names: dict[str, Any]) -> bool:
    reserved = names.get("_RESERVED_ATTRS")
    return (
        isinstance(reserved, frozenset)
        and reserved.issuperset(_own_attributes())
        and callable(names.get("std_to_otel"))
        and names.get("LogRecord") is LogRecord
    )

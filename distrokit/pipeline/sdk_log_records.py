"""A cheaper form of the SDK's ``Logger.emit`` for ordinary log records.

The SDK copies the attributes into a ``BoundedAttributes``, each through several checks and a lock; until 1.44 it also
reads the limits from the environment for each record. :func:`cheaper_emit` makes the same objects without that, where
it leads to the same result. Any other record goes to the SDK's own method.

This is the only module that uses private names of the logs SDK for that: ``_is_enabled``, ``_log_record_limits``,
``_logger_metrics`` and ``_multi_log_record_processor`` of a logger, ``_dict``, ``_lock``, ``_immutable`` and
``_extended_attributes`` of ``BoundedAttributes``, and ``__post_init__`` of ``ReadWriteLogRecord``. It does so only if
the SDK's code is known.
"""
# ruff: noqa: SLF001

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import Logger, LogRecordLimits, ReadWriteLogRecord

from distrokit.pipeline.known_code import has_fields, is_known

_SDK = "opentelemetry.sdk._logs."
_FIELDS = "log_record resource instrumentation_scope limits"
#: The names that the logger's ``emit`` and the record's ``__post_init__`` use; the limits have had two names.
_EMIT = (
    "ReadWriteLogRecord _copy_log_record_with_exception _create_log_record_with_exception _from_api_log_record "
    "_instrumentation_scope _is_enabled _logger_metrics _multi_log_record_processor _resource "
    "_set_log_record_exception_attributes emit_log exception isinstance log_record on_emit"
)
_LIMITING = (
    "BoundedAttributes LogRecordDroppedAttributesWarning attributes dropped_attributes limits log_record warn warnings"
)
_LIMITS = "max_log_record_attribute_length max_log_record_attributes max_attribute_length max_attributes"
#: The attributes of ``BoundedAttributes``, and one that it has in some releases only.
_BOUNDED, _OPTIONAL = {"_dict", "_immutable", "_lock", "dropped", "max_value_len", "maxlen"}, {"_extended_attributes"}
#: Types of attributes that the SDK takes as they are. No subclasses: these may do anything.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def cheaper_emit(logger: Any) -> Callable[[Any], None] | None:
    """Return a function that emits a record as the SDK's method does; ``None`` if the SDK is not as expected.

    Args:
        logger: a logger of the SDK.
    """
    kind = type(logger)
    after = getattr(ReadWriteLogRecord, "__post_init__", None)
    if (
        kind is not Logger
        or not is_known(kind.emit, _SDK, _EMIT, "_log_record_limits")
        or not is_known(after, _SDK, _LIMITING, _LIMITS)
        or not has_fields(ReadWriteLogRecord, _FIELDS)
    ):
        return None
    limits = vars(logger).get("_log_record_limits") or LogRecordLimits()
    copy_attributes, sdk_emit, new, scope = _copier(limits), kind.emit, object.__new__, logger.instrumentation_scope
    if copy_attributes is None:
        return None

    def emit(record: Any) -> None:
        if type(record) is not LogRecord or record.exception is not None or not logger._is_enabled():
            sdk_emit(logger, record)
            return
        attributes = copy_attributes(record.attributes)
        if attributes is None:
            sdk_emit(logger, record)
            return
        record.attributes = attributes
        made = new(ReadWriteLogRecord)
        # The resource changes in a forked child.
        made.log_record, made.resource, made.instrumentation_scope = record, logger.resource, scope
        made.limits = limits
        logger._logger_metrics.emit_log()
        logger._multi_log_record_processor.on_emit(made)

    return emit


def _copier(limits: LogRecordLimits) -> Callable[[Any], BoundedAttributes | None] | None:
    """Return a function that makes of plain attributes what the SDK makes of them; ``None`` if the SDK is unknown.

    The function returns ``None`` for attributes that the SDK would change, or leave out.
    """
    empty = ReadWriteLogRecord(LogRecord(), limits=limits).log_record.attributes
    if type(empty) is not BoundedAttributes:
        return None
    state = vars(empty)
    # Which of the two is the SDK's; looked up now, since a monkey-patch (gevent) replaces them.
    locks: dict[type, Callable[[], Any]] = {type(make()): make for make in (threading.Lock, threading.RLock)}
    make_lock = locks.get(type(state.get("_lock")))
    if not _BOUNDED <= state.keys() <= _BOUNDED | _OPTIONAL or state["_dict"] != {} or make_lock is None:
        return None
    new, plain, maxlen, longest = object.__new__, _PLAIN, empty.maxlen, empty.max_value_len
    most = inf if maxlen is None else maxlen
    others = [(name, state[name]) for name in _OPTIONAL if name in state]

    def copy(attributes: Any) -> BoundedAttributes | None:
        if not attributes:
            attributes = {}
        elif type(attributes) is dict and len(attributes) <= most:
            attributes = attributes.copy()
            for name, value in attributes.items():
                if type(value) not in plain or type(name) is not str or not name:
                    return None
                if longest is not None and type(value) is str and len(value) > longest:
                    return None
        else:
            return None
        bounded = new(BoundedAttributes)
        bounded.maxlen, bounded.max_value_len, bounded.dropped = maxlen, longest, 0
        bounded._dict, bounded._lock, bounded._immutable = attributes, make_lock(), False
        for name, value in others:
            setattr(bounded, name, value)
        return bounded

    return copy

"""Saves and restores OpenTelemetry's globals.

A process sets its providers once, and no public API resets them. These are private names of the API and of
``opentelemetry-instrumentation``, the same from 1.43 to 1.45. A name that a release does not have is skipped.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from distrokit.settings.environ import only, telemetry_in_environ

_ABSENT = object()

#: Module, and its names: the flag that the provider was set; the provider; its proxy.
_ONCE = (
    ("opentelemetry.trace", "_TRACER_PROVIDER_SET_ONCE", "_TRACER_PROVIDER", "_PROXY_TRACER_PROVIDER"),
    ("opentelemetry.metrics._internal", "_METER_PROVIDER_SET_ONCE", "_METER_PROVIDER", "_PROXY_METER_PROVIDER"),
    ("opentelemetry._logs._internal", "_LOGGER_PROVIDER_SET_ONCE", "_LOGGER_PROVIDER", "_PROXY_LOGGER_PROVIDER"),
)

#: Globals that may be set again and again.
_PLAIN = (
    ("opentelemetry.propagate", "_HTTP_TEXT_FORMAT"),
    ("opentelemetry.instrumentation.propagators", "_RESPONSE_PROPAGATOR"),
)

_DISTRO = ("distrokit.launch.process", "Process", "_instance")


@contextmanager
def restored_globals() -> Iterator[None]:
    """Run the block as in a new process, with no provider set; restore everything afterwards.

    Restored are: the global tracer, meter and logger provider, which can be set once again; the propagator and the
    response propagator; distrokit itself, started by :func:`distrokit.start` or through its distro; distrokit's changes
    to the logger ``opentelemetry``; and variables in ``os.environ`` that begin with ``OTEL_`` or ``DISTROKIT_``. A
    pipeline that distrokit started in the block is stopped. The block starts with the propagators from before.

    Tracers, meters and loggers from the block keep working. Instrumentations stay applied: use
    ``distrokit.start(instrument=False)``, or call their ``uninstrument()``.
    """
    _import_modules()
    logger = logging.getLogger("opentelemetry")
    logging_before = (logger.handlers[:], logger.propagate, logger.level)
    before = [(owner, name, _value(owner, name)) for owner, name in _names()]
    with only(telemetry_in_environ()):
        _renew()
        try:
            yield
        finally:
            _stop_inner()
            for owner, name, value in before:
                _put(owner, name, value)
            logger.handlers[:], logger.propagate = logging_before[:2]
            logger.setLevel(logging_before[2])


def _import_modules() -> None:
    # A module that is first imported inside the block would have no state to restore.
    for module in (*(module for module, *_ in (*_ONCE, *_PLAIN)), _DISTRO[0]):
        with suppress(ModuleNotFoundError):
            import_module(module)


def _names() -> Iterator[tuple[Any, str]]:
    for module, *names in (*_ONCE, *_PLAIN):
        for name in names:
            yield sys.modules.get(module), name
    yield _distro(), _DISTRO[2]


def _distro() -> Any:
    return getattr(sys.modules.get(_DISTRO[0]), _DISTRO[1], None)


def _value(owner: Any, name: str) -> Any:
    # vars(): a class inherits the singleton of its base class.
    return vars(owner).get(name, _ABSENT) if owner is not None else _ABSENT


def _renew() -> None:
    """Reset the providers as in a new process; only names are private here, not their inner structure."""
    for module, once, provider, proxy in _ONCE:
        owner = sys.modules.get(module)
        for name in (once, proxy):
            value = _value(owner, name)
            if value is not _ABSENT:
                setattr(owner, name, type(value)())
        if _value(owner, provider) is not _ABSENT:
            setattr(owner, provider, None)
    if _value(_distro(), _DISTRO[2]) is not _ABSENT:
        delattr(_distro(), _DISTRO[2])


def _stop_inner() -> None:
    """Stop the pipeline that distrokit started in the block, with its threads and ``atexit`` function."""
    instance = _value(_distro(), _DISTRO[2])
    pipeline = getattr(instance, "pipeline", None)
    if pipeline is not None and not pipeline.stopped:
        pipeline.stop()


def _put(owner: Any, name: str, value: Any) -> None:
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif owner is not None and name in vars(owner):
        delattr(owner, name)

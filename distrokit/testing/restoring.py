"""OpenTelemetry's globals, put aside and back.

A process gets its providers once, and there is no public way to take them back: these are private names of the API and
of ``opentelemetry-instrumentation``, the same from 1.43 to 1.45. A name that a release does not have is left alone.
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

#: Modules, and of each what a new process has in its place: the flag of a provider that may be set once; the provider;
#: and, where it is only put back, the class of what is there.
_ONCE = (
    ("opentelemetry.trace", "_TRACER_PROVIDER_SET_ONCE", "_TRACER_PROVIDER", "_PROXY_TRACER_PROVIDER"),
    ("opentelemetry.metrics._internal", "_METER_PROVIDER_SET_ONCE", "_METER_PROVIDER", "_PROXY_METER_PROVIDER"),
    ("opentelemetry._logs._internal", "_LOGGER_PROVIDER_SET_ONCE", "_LOGGER_PROVIDER", "_PROXY_LOGGER_PROVIDER"),
)

#: What anybody may set as often as they like.
_PLAIN = (
    ("opentelemetry.propagate", "_HTTP_TEXT_FORMAT"),
    ("opentelemetry.instrumentation.propagators", "_RESPONSE_PROPAGATOR"),
)

_DISTRO = ("distrokit.distro", "DistrokitDistro", "_instance")


@contextmanager
def restored_globals() -> Iterator[None]:
    """Inside the block no provider is set yet, as in a new process; afterwards all is as it was before.

    Put back are: the global tracer, meter and logger provider, and that they can be set once; the propagator and the
    response propagator; the distrokit that was started, by :func:`distrokit.start` or by hand through its distro; what
    distrokit changes of the logger ``opentelemetry``; and variables in ``os.environ`` that begin with ``OTEL_`` or
    ``DISTROKIT_``. A pipeline that distrokit started inside is stopped. Propagators are at first those from before.

    Tracers, meters and loggers that were made inside go on as they are. Instrumentations that were applied stay: give
    ``distrokit.start(instrument=False)``, or take them back with their own ``uninstrument()``.
    """
    _import_them()
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


def _import_them() -> None:
    # What is first imported inside the block would have its beginning there.
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
    # Of the class itself: the singleton is inherited otherwise.
    return vars(owner).get(name, _ABSENT) if owner is not None else _ABSENT


def _renew() -> None:
    """Providers as in a new process: what is private here is a name, and never how the thing works inside."""
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
    """What distrokit has started inside has threads, and an ``atexit`` function."""
    instance = _value(_distro(), _DISTRO[2])
    pipeline = getattr(instance, "pipeline", None)
    if pipeline is not None and not pipeline.stopped:
        pipeline.stop()


def _put(owner: Any, name: str, value: Any) -> None:
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif owner is not None and name in vars(owner):
        delattr(owner, name)

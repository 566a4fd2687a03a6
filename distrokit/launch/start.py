"""``distrokit.start``: the same plan and pipeline for a program that no launcher runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from distrokit.diagnostics import Problem
from distrokit.settings.environ import import_propagate, settable

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plugins.distros import Distro


class _StartLock:
    """A lock for one start at a time; a forked child gets a new one, since the parent's may be held forever."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        # Reentrant: a plugin may call start() during a start.
        self.lock = threading.RLock()


_START = _StartLock()


def start(
    settings: Mapping[str, str] | None = None,
    plugins: Mapping[str, object] | None = None,
    *,
    instrument: bool = True,
    distro: Distro | None = None,
) -> Pipeline:
    """Make the plan and run it, once per process; later calls return the running pipeline.

    For a gunicorn ``post_fork``, a notebook, a Lambda handler, a test. If a launcher has started distrokit
    already, return that pipeline. If the application has installed its own provider for a signal, distrokit
    builds none for that signal and logs that. OpenTelemetry accepts providers once per process: a stopped
    pipeline is returned as it is and not started again.

    Args:
        settings: by the names of their environment variables; they override the environment and a file.
        plugins: modules or objects with hook implementations, by name, beside the installed ones.
        instrument: whether to apply the installed instrumentations, too.
        distro: the active distro; ``None`` selects one of the installed ones.

    Returns:
        the pipeline: ``flush()`` sends the queued items, ``stop()`` shuts it down, which otherwise happens
        when the interpreter exits. If telemetry is disabled, its providers are ``None`` and only
        propagators are built.

    Raises:
        TypeError: a setting is not text, or its name or value is not valid for an environment variable.
        StrictError: a ``SystemExit`` with code 78, under ``DISTROKIT_STRICT=1``, if there is any problem.
    """
    for name, text in dict(settings or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError(f"settings must be text, as environment variables are; {name!r} is {type(text).__name__}")
        if not settable(name, text):
            raise TypeError(f"{name!r}: an environment variable cannot have this name, or not this value")
    # Imported here, since this module is part of `from distrokit import *`.
    from distrokit.launch.distro_selection import prepare_lookups
    from distrokit.lazy.on_demand import find_sleeping

    sleeping = find_sleeping()
    if sleeping is not None:
        # A launcher has started this process.
        sleeping.wake()
    prepare_lookups()
    import_propagate()
    # Imported here, since it imports OpenTelemetry.
    from distrokit.launch.process import Process

    with _START.lock:
        process = Process()
        running = process.pipeline
        if running is None:
            return process.start_in_code(settings, plugins, instrument=instrument, distro=distro)
        if settings or plugins or distro:
            running.report(_too_late(running.stopped))
        return running


def _too_late(stopped: bool) -> Problem:
    return Problem(
        code="already-started",
        subject="distrokit.start",
        cause=f"distrokit was started{' and stopped' if stopped else ''} in this process before",
        outcome="the settings and plugins of this call have no effect",
        remedy="Give them to the first call; under opentelemetry-instrument, set environment variables.",
        severity="warning",
    )

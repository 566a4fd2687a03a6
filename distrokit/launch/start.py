"""``distrokit.start``: the same plan and pipeline, for a program that is not run by ``opentelemetry-instrument``."""

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


class _Starting:
    """One start at a time; a child of a fork gets a lock of its own, since the parent's may be held for good."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        # Reentrant: a plugin that calls start() while it is being started must not wait for itself.
        self.lock = threading.RLock()


_STARTING = _Starting()


def start(
    settings: Mapping[str, str] | None = None,
    plugins: Mapping[str, object] | None = None,
    *,
    instrument: bool = True,
    distro: Distro | None = None,
) -> Pipeline:
    """Make the plan and run it, once per process; later calls return the pipeline that runs.

    For a gunicorn ``post_fork``, a notebook, a Lambda handler, a test. Where ``opentelemetry-instrument`` has
    started distrokit already, that pipeline is returned. Where the application has installed a provider of
    its own, distrokit stands aside for that signal, and says so. OpenTelemetry takes providers once per
    process: a pipeline that was stopped is returned as it is, and is not started anew.

    Args:
        settings: by the names of their environment variables; stronger than the environment and a file.
        plugins: modules or objects with hook implementations, by name, beside the installed ones.
        instrument: whether the installed instrumentations are applied, too.
        distro: whose plan it is; ``None`` for the installed one that is in charge.

    Returns:
        the pipeline: ``flush()`` sends what is queued, ``stop()`` shuts it down, which otherwise happens
        when the interpreter exits. When telemetry is disabled, its providers are ``None``, and only
        propagators are built.

    Raises:
        TypeError: a setting is no text, or nothing that an environment variable could be called or hold.
        StrictError: a ``SystemExit`` with code 78, under ``DISTROKIT_STRICT=1``, when there is any problem.
    """
    for name, text in dict(settings or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError(f"settings are text, as environment variables are; {name!r} is {type(text).__name__}")
        if not settable(name, text):
            raise TypeError(f"{name!r} cannot be called so, or hold what it is given")
    # Here, and not above: this module is part of `from distrokit import *`.
    from distrokit.launch.distro_selection import look_up

    look_up()
    import_propagate()
    # Likewise: the launcher's classes import OpenTelemetry.
    from distrokit.launch.distro import DistrokitDistro

    with _STARTING.lock:
        process = DistrokitDistro()
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

"""Wraps an exporter's declaration, so that its factory makes an exporter behind the spool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import Any

from distrokit import Check, Exporter, ExporterOptions, Sent
from distrokit_spool.messages import say
from distrokit_spool.settings import DIRECTORY

_OWN = ("spool_directory", "spool_max_size", "spool_max_age_millis")


def add_spool(declaration: Exporter, number: int) -> Exporter:
    """Return the declaration with a factory and a probe that know the spool.

    Args:
        number: 1, 2, … among the exporters of this name and signal. A configuration file may have several, and each has
            its own queue.
    """

    def make(options: ExporterOptions) -> Any:
        inner = declaration.factory(_without_own(options))
        try:
            import sqlite3  # noqa: F401  # test that it exists

            from distrokit_spool.exporters import wrap_exporter
            from distrokit_spool.store import store_at
        except ImportError as error:
            # Some builds of Python have no sqlite3, and Windows has no fcntl.
            say(
                f"{DIRECTORY}={options.arguments['spool_directory']}: this Python has no {error.name}, which the spool "
                f"needs; telemetry is exported without the spool. Use another Python, or unset the variable."
            )
            return inner
        directory, size, age = (options.arguments[name] for name in _OWN)
        queue = f"{options.name} {options.signal}" + (f" #{number}" if number > 1 else "")
        return wrap_exporter(inner, options, store_at(directory, size, age), queue)

    def probe(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterable[Check]:
        # Doctor tests the receiver; the spool would accept anything.
        options = _without_own(options)
        if declaration.probe is not None:
            return declaration.probe(options, send)
        return [_send_test_item(declaration, options, send)]

    return replace(declaration, factory=make, probe=probe)


def _without_own(options: ExporterOptions) -> ExporterOptions:
    """Return the options without the spool's arguments; a factory may pass all arguments to a constructor."""
    inner = copy(options)
    inner.arguments = {name: value for name, value in options.arguments.items() if name not in _OWN}
    return inner


def _send_test_item(declaration: Exporter, options: ExporterOptions, send: Callable[[Any], Sent]) -> Check:
    name = f"{options.name} {options.signal}"
    exporter = declaration.factory(options)
    if not hasattr(exporter, "export"):
        return Check("export", "ok", f"{name}: it is scraped; nothing is sent")
    sent = send(exporter)
    exporter.shutdown()
    if sent.ok:
        return Check("export", "ok", f"{name}: an item was sent in {sent.seconds * 1000:.0f} ms, bypassing the spool")
    why = sent.messages[-1] if sent.messages else "it does not say why"
    return Check("export", "fail", f"{name}: an item could not be sent: {why}")

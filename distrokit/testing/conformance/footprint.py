"""Checks that importing and declaring change nothing in the process: threads, environment, stdout, globals."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

#: Seconds that a short-lived thread may take to end.
_SOON = 0.5

#: Threads of distrokit itself.
_OWN_THREADS = ("distrokit-end",)

#: OpenTelemetry's globals and their getters. An unset global is a proxy.
_GLOBALS = {
    "opentelemetry.trace": "get_tracer_provider",
    "opentelemetry.metrics": "get_meter_provider",
    "opentelemetry._logs": "get_logger_provider",
}


class Footprint:
    """Records the state of the process, and reports changes since."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._environ = dict(os.environ)
        self._stdout = _RecordingStream(sys.stdout)
        self._set = set(_set_globals())

    @contextlib.contextmanager
    def capture(self) -> Iterator[None]:
        """Note if the block prints to stdout; the output is still printed."""
        with contextlib.redirect_stdout(self._stdout):
            yield

    def changes(self, meanwhile: str) -> Iterator[str]:
        """Yield findings about changes since the last call.

        Args:
            meanwhile: the action that may have caused them, such as "importing acme".
        """
        yield from (
            f"{meanwhile} starts threads that stay: {names}; every process with this plugin would have them, and its "
            "forked children would not. Start them in a factory, and end them in shutdown()."
            for names in threads_since(self._threads, _SOON)
        )
        changed = sorted(
            name for name in {*self._environ, *os.environ} if self._environ.get(name) != os.environ.get(name)
        )
        if changed:
            yield (
                f"{meanwhile} writes {', '.join(changed)} into os.environ; the application and its children would have "
                "it. Return settings from distrokit_defaults."
            )
        if self._stdout.wrote:
            yield f"{meanwhile} prints to stdout, which is the program's. Write to stderr, or log."
        present = set(_set_globals())
        for name in sorted(present - self._set):
            yield (
                f"{meanwhile} sets the process's {name}, so distrokit cannot. Declare its parts, "
                "or change the plan in distrokit_plan."
            )
        self._threads, self._environ, self._set = set(threading.enumerate()), dict(os.environ), present
        self._stdout.wrote = False


def threads_since(before: set[threading.Thread], seconds: float) -> list[str]:
    """Return the names of new threads, as one string in a list; an empty list if there are none.

    Args:
        seconds: how long to wait for them to end.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = [t for t in threading.enumerate() if t not in before and t.name not in _OWN_THREADS]
        if not left or time.monotonic() > deadline:
            return [", ".join(sorted({repr(thread.name) for thread in left}))] if left else []
        time.sleep(0.02)


def _set_globals() -> Iterator[str]:
    for package, getter in _GLOBALS.items():
        # A module that is not imported has no global set.
        if package in sys.modules:
            provider = getattr(sys.modules[package], getter)()
            if "Proxy" not in type(provider).__name__:
                yield getter.removeprefix("get_").replace("_", " ")


class _RecordingStream:
    """A stream that records whether it was written to."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.wrote = False

    def write(self, text: str) -> int:
        self.wrote = self.wrote or bool(text)
        written: int = self._stream.write(text)
        return written

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

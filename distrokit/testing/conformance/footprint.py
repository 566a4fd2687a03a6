"""What a plugin leaves behind in the process that imports and asks it, where it should have left nothing."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

#: Seconds in which a thread that was to end soon has ended.
_SOON = 0.5

#: Threads of distrokit's own, that wait where none can be started at the end.
_NOT_ITS = ("distrokit-end",)

#: OpenTelemetry's globals, and what asks for each. What nobody has set is a proxy.
_GLOBALS = {
    "opentelemetry.trace": "get_tracer_provider",
    "opentelemetry.metrics": "get_meter_provider",
    "opentelemetry._logs": "get_logger_provider",
}


class Footprint:
    """Of what is done from now on."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._environ = dict(os.environ)
        self._stdout = _Heard(sys.stdout)
        self._set = set(_set_globals())

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """What is printed inside of the block is seen, and printed."""
        with contextlib.redirect_stdout(self._stdout):
            yield

    def left(self, meanwhile: str) -> Iterator[str]:
        """What there is to say, and from here on anew.

        Args:
            meanwhile: what was done, as in "importing acme".
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
                f"{meanwhile} sets the process's {name}, so that distrokit cannot. Declare what it should be made of, "
                "or amend the plan in distrokit_plan."
            )
        self._threads, self._environ, self._set = set(threading.enumerate()), dict(os.environ), present
        self._stdout.wrote = False


def threads_since(before: set[threading.Thread], seconds: float) -> list[str]:
    """The names of threads that are there now and were not before, as one text; empty where there is none.

    Args:
        seconds: how long they are waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = [t for t in threading.enumerate() if t not in before and t.name not in _NOT_ITS]
        if not left or time.monotonic() > deadline:
            return [", ".join(sorted({repr(thread.name) for thread in left}))] if left else []
        time.sleep(0.02)


def _set_globals() -> Iterator[str]:
    for package, getter in _GLOBALS.items():
        # Nobody has set what nobody has imported.
        if package in sys.modules:
            provider = getattr(sys.modules[package], getter)()
            if "Proxy" not in type(provider).__name__:
                yield getter.removeprefix("get_").replace("_", " ")


class _Heard:
    """A stream that knows whether somebody wrote to it."""

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

"""Keeps a thread that is inside the metrics SDK from entering it a second time.

The SDK guards its state with plain locks. A signal handler or a finalizer (``__del__``, a callback of :mod:`weakref`)
interrupts its thread anywhere. If the thread holds such a lock, and the handler records a measurement or creates an
instrument, the thread deadlocks. So each thread marks that it is inside the SDK; calls that a handler makes meanwhile
are queued until the thread has left.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import CodeType, FrameType
from typing import Any

from opentelemetry.context import get_current

#: The greatest number of queued calls.
LIMIT = 4096
#: The number of arguments of a measurement: amount, attributes, context.
_ARGUMENTS = 3


class Reentrancy:
    """The marks of all threads, and the queued calls.

    A mark counts only while its function is on the thread's stack: a signal handler that raises at the wrong moment can
    leave a mark behind, and greenlets share the id of their thread.

    Attributes:
        inside: ids of the threads that may hold a lock of the SDK.
        entering: the functions that set this mark.
        pending: calls to make when a thread leaves the SDK.
        dropped: the number of calls dropped because the queue was full.
    """

    def __init__(self) -> None:
        self.inside: set[int] = set()
        self.entering: set[CodeType] = {Reentrancy.run.__code__}
        self.pending: deque[Callable[[], object]] = deque()
        self.dropped = 0
        # Threads that collect: they hold one more lock, also while a callback of an observable instrument runs.
        self._collecting: set[int] = set()
        self._collectors: set[CodeType] = set()
        self._replaying: set[int] = set()

    def forked(self) -> None:
        """Reset in a forked child: other threads and their queued calls are the parent's."""
        self.pending.clear()
        for marks in (self.inside, self._collecting, self._replaying):
            marks.clear()
        self.dropped = 0

    def is_inside(self, *, collecting: bool = False) -> bool:
        """True if the caller was called from inside the SDK.

        Args:
            collecting: also true in a callback of an observable instrument.
        """
        # Skip the caller, which may be a function that sets marks.
        frame = sys._getframe(2)  # noqa: SLF001  (the cheap way to the stack of the own thread)
        return _is_marked(self.inside, self.entering, frame) or (
            collecting and _is_marked(self._collecting, self._collectors, frame)
        )

    def postpone(self, call: Callable[[], object]) -> None:
        """Queue a call until the thread has left the SDK; drop and count it when the queue is full."""
        if len(self.pending) < LIMIT:
            self.pending.append(call)
        else:
            self.dropped += 1

    def postpone_measurement(
        self, measure: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Queue a measurement with its attributes and context as they are now."""
        args = tuple(_copied(value) for value in args)
        kwargs = {name: _copied(value) for name, value in kwargs.items()}
        if len(args) < _ARGUMENTS:
            kwargs = {"context": get_current(), **kwargs}
        self.postpone(partial(measure, *args, **kwargs))

    def replay(self) -> None:
        """Make the queued calls; no effect during another replay in this thread or during a collection."""
        here = get_ident()
        if here in self._replaying or self.is_inside(collecting=True):
            return
        self._replaying.add(here)
        try:
            # Other threads take calls, too, and handlers add some.
            for _ in range(LIMIT):
                try:
                    call = self.pending.popleft()
                except IndexError:
                    break
                # Must not raise into the application's own call; instruments have reported their errors.
                with suppress(Exception):
                    call()
        finally:
            self._replaying.discard(here)

    def is_replaying(self) -> bool:
        """True if this thread makes the queued calls."""
        return get_ident() in self._replaying

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of the SDK that takes a lock."""
        here = get_ident()
        try:
            self.inside.add(here)
            return call(*args, **kwargs)
        finally:
            self.inside.discard(here)
            if self.pending:
                self.replay()

    def collector(self, collect: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a reader's collect function; a collection inside another one of this thread returns ``None``."""

        def collect_once(*args: Any, **kwargs: Any) -> Any:
            if self.is_inside(collecting=True):
                return None
            self.replay()
            here = get_ident()
            try:
                self._collecting.add(here)
                return self.run(collect, *args, **kwargs)
            finally:
                self._collecting.discard(here)
                if self.pending:
                    self.replay()

        self._collectors.add(collect_once.__code__)
        return collect_once

    def callback(self, callback: Any) -> Any:
        """Wrap a callback of an observable instrument: what it records is collected together with its observations."""
        if isinstance(callback, Generator):
            # Like the SDK: run to the first yield.
            next(callback)
            callback = partial(_send, callback)

        def observe(options: Any) -> Iterator[Any]:
            observations = iter(self._outside(callback, options))
            while True:
                try:
                    observation = self._outside(next, observations)
                except StopIteration:
                    return
                yield observation

        return observe

    def _outside(self, call: Callable[..., Any], *args: Any) -> Any:
        """Call the application's code during a collection, where measurements need none of the locks held."""
        here = get_ident()
        was_inside = here in self.inside
        self.inside.discard(here)
        try:
            return call(*args)
        finally:
            if was_inside:
                self.inside.add(here)


def _is_marked(marks: set[int], codes: set[CodeType], frame: FrameType | None) -> bool:
    """True if this thread has a mark and one of these functions is on its stack; remove a stale mark."""
    here = get_ident()
    if here not in marks:
        return False
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    marks.discard(here)
    return False


def _copied(argument: Any) -> Any:
    """Copy a mapping, which the application may change before the call is made."""
    return dict(argument) if isinstance(argument, Mapping) else argument


def _send(callback: Generator[Any, Any, Any], options: Any) -> Any:
    try:
        return callback.send(options)
    except StopIteration:
        return []

"""Keeps a thread that is inside the metrics SDK from entering it a second time.

The SDK guards its state with plain locks. A signal handler or a finalizer (``__del__``, a callback of :mod:`weakref`)
runs in the middle of whatever its thread does. If the thread holds such a lock, and the handler records a measurement
or creates an instrument, the thread waits for itself for ever. So each thread notes that it is inside; what a handler
asks for meanwhile is queued, and done as soon as the thread has left.
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

#: How many calls are queued at most.
_LIMIT = 4096
#: A measurement with all its arguments: amount, attributes, context.
_COMPLETE = 3


class Reentrancy:
    """The marks of all threads, and the calls that wait.

    Only a mark counts whose function is on the thread's stack: an exception that a signal handler raises at the wrong
    moment can leave one behind, and greenlets share the number of their thread.

    Attributes:
        inside: the threads that may hold a lock of the SDK.
        entering: the functions that set this mark.
        pending: what is done when a thread leaves the SDK.
        dropped: how many calls were dropped because too many waited.
    """

    def __init__(self) -> None:
        self.inside: set[int] = set()
        self.entering: set[CodeType] = {Reentrancy.run.__code__}
        self.pending: deque[Callable[[], object]] = deque()
        self.dropped = 0
        # The threads that collect: one lock more is held, also while an observable's callback runs.
        self._collecting: set[int] = set()
        self._collectors: set[CodeType] = set()
        self._replaying: set[int] = set()

    def forked(self) -> None:
        """In a child: other threads, and what they asked for, are the parent's."""
        self.pending.clear()
        for marks in (self.inside, self._collecting, self._replaying):
            marks.clear()
        self.dropped = 0

    def is_inside(self, *, collecting: bool = False) -> bool:
        """Whether the caller was called from inside the SDK.

        Args:
            collecting: also from the callback of an observable instrument.
        """
        # Not the caller itself, which may be a function that sets marks.
        frame = sys._getframe(2)  # noqa: SLF001  (the cheap way to the stack of the own thread)
        return _stands(self.inside, self.entering, frame) or (
            collecting and _stands(self._collecting, self._collectors, frame)
        )

    def postpone(self, call: Callable[[], object]) -> None:
        """Do this when the thread has left the SDK; drop and count it when too much waits."""
        if len(self.pending) < _LIMIT:
            self.pending.append(call)
        else:
            self.dropped += 1

    def postpone_measurement(
        self, measure: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Likewise for a measurement, with the attributes and the context of this moment."""
        args = tuple(dict(value) if isinstance(value, Mapping) else value for value in args)
        if len(args) < _COMPLETE:
            kwargs = {"context": get_current(), **kwargs}
        self.postpone(partial(measure, *args, **kwargs))

    def replay(self) -> None:
        """Do what was postponed; not in the middle of doing so, and not in the middle of a collection."""
        here = get_ident()
        if here in self._replaying or self.is_inside(collecting=True):
            return
        self._replaying.add(here)
        try:
            # Other threads take from it as well, and handlers add to it.
            for _ in range(_LIMIT):
                try:
                    call = self.pending.popleft()
                except IndexError:
                    break
                # Instruments report by themselves; this is the application's thread, in the middle of another call.
                with suppress(Exception):
                    call()
        finally:
            self._replaying.discard(here)

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call something of the SDK's that takes a lock."""
        here = get_ident()
        try:
            self.inside.add(here)
            return call(*args, **kwargs)
        finally:
            self.inside.discard(here)
            if self.pending:
                self.replay()

    def collector(self, collect: Callable[..., Any]) -> Callable[..., Any]:
        """The function by which a reader collects; a second collection in the middle of one finds nothing."""

        def collected(*args: Any, **kwargs: Any) -> Any:
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

        self._collectors.add(collected.__code__)
        return collected

    def callback(self, callback: Any) -> Any:
        """The callback of an observable instrument; what it records is recorded at once, and collected with it."""
        if isinstance(callback, Generator):
            # As the SDK does it: to the first yield.
            next(callback)
            callback = partial(_sent, callback)

        def observed(options: Any) -> Iterator[Any]:
            observations = iter(self._outside(callback, options))
            while True:
                try:
                    observation = self._outside(next, observations)
                except StopIteration:
                    return
                yield observation

        return observed

    def _outside(self, call: Callable[..., Any], *args: Any) -> Any:
        """Call the application's code in the middle of a collection, where measurements need no lock that is held."""
        here = get_ident()
        was_inside = here in self.inside
        self.inside.discard(here)
        try:
            return call(*args)
        finally:
            if was_inside:
                self.inside.add(here)


def _stands(marks: set[int], codes: set[CodeType], frame: FrameType | None) -> bool:
    """Whether this thread has a mark, and one of these functions is on its stack; a mark without it is removed."""
    here = get_ident()
    if here not in marks:
        return False
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    marks.discard(here)
    return False


def _sent(callback: Generator[Any, Any, Any], options: Any) -> Any:
    try:
        return callback.send(options)
    except StopIteration:
        return []

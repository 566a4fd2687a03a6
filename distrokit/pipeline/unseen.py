"""A handler of distrokit's looks to the application like the default action, in whose place it stands.

So nobody calls it as "the handler that was there before", and nobody takes it away by asking for the default: uvicorn's
worker for gunicorn does that after the fork, and asyncio when a handler is removed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any


class Unseen:
    """Puts itself in the place of :func:`signal.signal` and :func:`signal.getsignal`, until it is removed.

    Args:
        numbers: the signals that the handler is for.
        handler: the very object is looked for; a bound method must be kept.

    Attributes:
        set, get: those functions as they were.
    """

    def __init__(self, numbers: Sequence[int], handler: Callable[..., Any]) -> None:
        self._numbers, self._handler = numbers, handler
        self.set, self.get = signal.signal, signal.getsignal
        self._replaced: dict[str, Any] = {}

    def install(self) -> None:
        """Begin; once."""
        if self._replaced:
            return
        was_set, was_get = self.set, self.get = signal.signal, signal.getsignal

        @wraps(was_set)
        def set_handler(signalnum: Any, handler: Any) -> Any:
            default = handler is signal.SIG_DFL or (type(handler) is int and handler == 0)
            ours = default and bool(self._replaced) and signalnum in self._numbers
            return self._shown(was_set(signalnum, self._handler if ours else handler))

        @wraps(was_get)
        def get_handler(signalnum: Any) -> Any:
            return self._shown(was_get(signalnum))

        self._replaced = {"signal": set_handler, "getsignal": get_handler}
        for name, function in self._replaced.items():
            setattr(signal, name, function)

    def remove(self) -> None:
        """Give the functions back; those that somebody else has replaced since do as before from here on."""
        for name, original in (("signal", self.set), ("getsignal", self.get)):
            if name in self._replaced and getattr(signal, name) is self._replaced[name]:
                setattr(signal, name, original)
        self._replaced = {}

    def _shown(self, handler: Any) -> Any:
        return signal.SIG_DFL if handler is self._handler else handler

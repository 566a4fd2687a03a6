"""A signal handler that the application sees as the default action.

So the application does not call it as the previous handler, and does not remove it by setting the default: uvicorn's
worker for gunicorn does that after the fork, and asyncio when a handler is removed.
"""

from __future__ import annotations

import signal
from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class HiddenHandler:
    """A replacement of :func:`signal.signal` and :func:`signal.getsignal` that hides one handler, until removed.

    Args:
        numbers: the signals that the handler is for.
        handler: compared by identity, so pass a stored bound method.

    Attributes:
        set, get: the original functions.
    """

    def __init__(self, numbers: Sequence[int], handler: Callable[..., Any]) -> None:
        self._numbers, self._handler = numbers, handler
        self.set, self.get = signal.signal, signal.getsignal
        self._replaced: dict[str, Any] = {}

    def install(self) -> None:
        """Replace both functions, once."""
        if self._replaced:
            return
        original_set, original_get = self.set, self.get = signal.signal, signal.getsignal

        @wraps(original_set)
        def set_handler(signalnum: Any, handler: Any) -> Any:
            default = handler is signal.SIG_DFL or (type(handler) is int and handler == 0)
            ours = default and bool(self._replaced) and signalnum in self._numbers
            return self._hide(original_set(signalnum, self._handler if ours else handler))

        @wraps(original_get)
        def get_handler(signalnum: Any) -> Any:
            return self._hide(original_get(signalnum))

        self._replaced = {"signal": set_handler, "getsignal": get_handler}
        for name, function in self._replaced.items():
            setattr(signal, name, function)

    def remove(self) -> None:
        """Restore the functions; one that other code has wrapped since keeps the wrapper and hides nothing any more."""
        for name, original in (("signal", self.set), ("getsignal", self.get)):
            if name in self._replaced and getattr(signal, name) is self._replaced[name]:
                setattr(signal, name, original)
        self._replaced = {}

    def _hide(self, handler: Any) -> Any:
        return signal.SIG_DFL if handler is self._handler else handler

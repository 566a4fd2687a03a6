"""Transports that are value with the first request: what they import, the application may still patch.

``gevent.monkey.patch_all()`` in a program comes after distrokit's start. A ``urllib3`` that was imported before it
recurses without end in the first request over TLS, the application's too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from distrokit_otlp.exporter import Sender
from distrokit_otlp.send_result import SendResult

#: Seconds for which a fork waits for an import under way: a child would wait for it for ever.
_FORK_WAIT = 2.0


def require(module: str, remedy: str) -> None:
    """Look for a module that will be needed, and do not import it.

    Raises: ``ModuleNotFoundError``, with the remedy.
    """
    found = None
    with suppress(ImportError, ValueError):
        found = find_spec(module)
    if found is None:
        raise ModuleNotFoundError(remedy, name=module)


class Lazy:
    """Makes something once, when it is first needed, and never while this process forks.

    Args:
        make: makes it; may raise, and is called again the next time.

    Attributes:
        value: ``None`` until then.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self.value = make, None
        self.forked()

    def get(self) -> Any:
        """What was made; raises what making it raises."""
        if self.value is None:
            with self._lock:
                if self.value is None:
                    self.value = self._make()
        return self.value

    def forked(self) -> None:
        """In a child: whoever held the lock is not here."""
        self._lock = threading.Lock()
        # Threads may fork at the same time.
        self._fork_state = threading.local()

    def before_fork(self) -> None:
        """Wait until it is made, where that has begun."""
        self._fork_state.holds_lock = self.value is None and self._lock.acquire(timeout=_FORK_WAIT)

    def forked_in_parent(self) -> None:
        """Go on."""
        if getattr(self._fork_state, "holds_lock", False):
            self._fork_state.holds_lock = False
            self._lock.release()


class LazySender(Sender):
    """A transport that is value with the first request.

    Args:
        make: makes it, and imports what it needs.

    Attributes:
        on_response: told each answer, as that transport's own.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._lazy = Lazy(make)
        self.on_response: Callable[[Any], None] | None = None

    def get(self) -> Any:
        """The transport itself."""
        return self._lazy.get()

    def send(self, request: Any, seconds: float) -> SendResult:
        try:
            sender = self.get()
        except Exception as error:
            return SendResult("refused", f"{type(error).__name__}: {error}")
        sender.on_response = self.on_response
        # The receiver has all of the time, however long the import took; the end of the process does not wait for more.
        answer: SendResult = sender.send(request, seconds)
        return answer

    def close(self) -> None:
        if self._lazy.value is not None:
            self._lazy.value.close()

    def forked(self) -> None:
        self._lazy.forked()
        if self._lazy.value is not None:
            self._lazy.value.forked()

    def before_fork(self) -> None:
        self._lazy.before_fork()
        if self._lazy.value is not None:
            self._lazy.value.before_fork()

    def forked_in_parent(self) -> None:
        if self._lazy.value is not None:
            self._lazy.value.forked_in_parent()
        self._lazy.forked_in_parent()

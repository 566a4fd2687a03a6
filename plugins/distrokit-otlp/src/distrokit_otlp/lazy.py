"""Transports that are made with the first request, so that an application can still patch their imports.

``gevent.monkey.patch_all()`` in a program runs after distrokit's start. A ``urllib3`` that was imported before
it recurses without end in the first request over TLS, also in the application's requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from distrokit_otlp.send_result import SendResult
from distrokit_otlp.sender import Sender

#: Seconds that a fork waits for an import under way, which takes long on a busy machine: the child would wait for ever.
_FORK_WAIT = 10.0


class Lazy:
    """A value that is made when first needed, and never during a fork.

    Args:
        make: makes the value; when it raises, the next :meth:`get` calls it again.

    Attributes:
        value: ``None`` until it is made.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self.value = make, None
        self.forked()

    def get(self) -> Any:
        """Return the value, and make it if necessary; raises what ``make`` raises."""
        if self.value is None:
            with self._lock:
                if self.value is None:
                    self.value = self._make()
        return self.value

    def forked(self) -> None:
        """Renew the lock in a forked child, where the thread that held it does not exist."""
        self._lock = threading.Lock()
        # Threads may fork at the same time.
        self._fork_state = threading.local()

    def before_fork(self) -> None:
        """Wait for ``make`` if another thread runs it."""
        self._fork_state.holds_lock = self.value is None and self._lock.acquire(timeout=_FORK_WAIT)

    def forked_in_parent(self) -> None:
        """Release the lock in the parent."""
        if getattr(self._fork_state, "holds_lock", False):
            self._fork_state.holds_lock = False
            self._lock.release()


class LazySender(Sender):
    """A transport that is made with the first request.

    Args:
        make: makes the transport, and imports its modules.

    Attributes:
        on_response: called with each response, as the transport gives it; ``None`` for no callback.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._lazy = Lazy(make)
        self.on_response: Callable[[Any], None] | None = None

    def get(self) -> Any:
        """Return the transport."""
        return self._lazy.get()

    def prepare(self) -> SendResult | None:
        try:
            self.get()
        except Exception as error:
            return SendResult("refused", f"{type(error).__name__}: {error}")
        return None

    def send(self, request: Any, seconds: float) -> SendResult:
        impossible = self.prepare()
        if impossible is not None:
            return impossible
        sender = self.get()
        sender.on_response = self.on_response
        # The receiver gets all of the time, however long the import took; the end of the process does not wait longer.
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

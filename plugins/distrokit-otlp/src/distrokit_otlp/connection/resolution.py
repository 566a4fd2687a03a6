"""Resolves names within a deadline, and without being interrupted by a fork."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from distrokit import start_thread
from distrokit_otlp.connection.target import Address, look_up


class Resolver:
    """Resolves one receiver's name.

    Args:
        lock: held while the C library resolves a name.
    """

    def __init__(self, lock: Callable[[], threading.Lock]) -> None:
        self._lock = lock
        self._pending: dict[Address, _Lookup] = {}

    def forked(self) -> None:
        """Forget the parent's threads in a forked child."""
        self._pending = {}

    def resolve(self, address: Address, deadline: float) -> list[Address]:
        """Return the addresses of a name, in the system's order.

        Python cannot interrupt a resolution, so it takes a thread, which ends by itself; the next call waits for it.

        Raises: ``OSError`` or ``UnicodeError``; ``TimeoutError`` after the deadline.
        """
        if address.is_number:
            return [address]
        pending = self._pending.get(address)
        if pending is None:
            pending = self._pending[address] = _Lookup(address, self._lock())
            # Nothing to wait for; and a thread cannot be started any more at the end of the interpreter.
            started = address.host != "localhost" and pending.start()
            if not started:
                pending.run()
        if not pending.done.wait(max(0.0, deadline - time.monotonic())):
            raise TimeoutError("name resolution timed out")
        with suppress(KeyError):
            del self._pending[address]
        if pending.error is not None:
            raise pending.error
        return pending.found


class _Lookup:
    """One resolution."""

    def __init__(self, address: Address, lock: threading.Lock) -> None:
        self._address, self._lock = address, lock
        self.done = threading.Event()
        self.found: list[Address] = []
        self.error: Exception | None = None

    def start(self) -> bool:
        """Run in a thread; false if none can be started."""
        try:
            start_thread(threading.Thread(target=self.run, name="distrokit-otlp-resolver", daemon=True))
        except RuntimeError:
            return False
        return True

    def run(self) -> None:
        """Resolve the name."""
        try:
            with self._lock:
                self.found = look_up(self._address)
        except Exception as error:
            self.error = error
        finally:
            self.done.set()

"""Restarts distrokit's threads as greenlets when gevent patches :mod:`threading`."""

from __future__ import annotations

import gc
import sys
from typing import Any


def before_patch(event: Any) -> None:
    """End distrokit's threads before gevent patches :mod:`threading`; gevent calls this for each module.

    During an import, gevent can replace the import system's locks only while there is one thread. With a second thread,
    the next import inside that package would wait for its own lock for ever.
    """
    if event.module_name in _THREADS:
        for delivery in _deliveries():
            delivery.pause()


def after_patch(event: Any) -> None:
    """Start distrokit's threads again, as greenlets; gevent calls this after it patched a module."""
    if event.module_name in _THREADS:
        for delivery in _deliveries():
            delivery.resume()


#: In the second event gevent uses an old name for one of them.
_THREADS = ("_thread", "thread", "threading")


def _deliveries() -> list[Any]:
    # Without the import no such object exists. A search is enough, since this happens once per process.
    module: Any = sys.modules.get("distrokit_batch.delivery")
    kind = getattr(module, "Delivery", None)
    return [] if kind is None else [found for found in gc.get_objects() if type(found) is kind]
